//! The picture as a page for people: what to give to others, what this node does, how full it is, what to look at. Plain
//! HTML without a script, light or dark as the reader's screen is.

use std::fmt::Write as _;

use crate::status::Picture;
use crate::status::size;

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#c9c9c9;--soft:#f3f3f1;--warn:#8a4b00}\
@media(prefers-color-scheme:dark){:root{--line:#444;--soft:#1f2023;--warn:#ffb454}}\
body{font:1rem/1.5 system-ui,sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.4rem}h2{font-size:1.05rem;margin-top:2rem}\
code{display:block;background:var(--soft);border:1px solid var(--line);border-radius:.3rem;\
padding:.5rem .7rem;margin:.4rem 0;overflow-wrap:anywhere;user-select:all}\
table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid var(--line);padding:.3rem .4rem;\
text-align:left}td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}\
meter{width:8rem}.warn{border-left:.3rem solid var(--warn);padding-left:.7rem}";

/// Writes the page.
pub(crate) fn render(picture: &Picture) -> String {
    let mut out = String::with_capacity(8 << 10);
    // Writing to a string does not fail.
    let _ = write_page(&mut out, picture);
    out
}

fn write_page(out: &mut String, picture: &Picture) -> std::fmt::Result {
    let version = env!("CARGO_PKG_VERSION");
    write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Kith community node</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>Kith community node</h1>\n<p>Version {version}, up for {}.</p>\n",
        duration(picture.uptime.as_secs())
    )?;
    warnings(out, picture)?;
    addresses(out, picture)?;
    roles(out, picture)?;
    fullness(out, picture)?;
    activity(out, picture)?;
    out.write_str(
        "<p>Numbers for Prometheus: <a href=\"/metrics\">/metrics</a>. For a load balancer or a container: \
         <a href=\"/health\">/health</a>.</p>\n</main>\n</body>\n</html>\n",
    )
}

fn warnings(out: &mut String, picture: &Picture) -> std::fmt::Result {
    let warnings = picture.warnings();
    if warnings.is_empty() {
        return out.write_str("<p>All is well.</p>\n");
    }
    out.write_str("<h2>To look at</h2>\n")?;
    warnings.iter().try_for_each(|warning| writeln!(out, "<p class=\"warn\">{}</p>", escape(warning)))
}

fn addresses(out: &mut String, picture: &Picture) -> std::fmt::Result {
    out.write_str(
        "<h2>Addresses to give to people</h2>\n<p>One of these lines goes into <em>Settings, Community nodes</em>.",
    )?;
    let all = &picture.told.addresses;
    let public = all.iter().any(|address| address.is_public);
    if public && all.iter().any(|address| !address.is_public) {
        out.write_str(" Those that lead here only from this machine or this network are left out.")?;
    }
    out.write_str("</p>\n")?;
    let shown = all.iter().filter(|address| address.is_public == public);
    shown.into_iter().try_for_each(|address| writeln!(out, "<code>{}</code>", escape(&address.text)))
}

fn roles(out: &mut String, picture: &Picture) -> std::fmt::Result {
    let config = &picture.told.config;
    let yes = |serves: bool| if serves { "yes" } else { "no" };
    let rows = [
        ("finds devices (DHT)", yes(config.roles.dht)),
        ("passes connections on (relay)", yes(config.roles.relay)),
        ("tests whether devices can be reached (AutoNAT)", yes(config.roles.autonat)),
        ("passes calls on (TURN)", yes(config.turn.serve)),
        (
            "keeps sealed messages (mailbox)",
            if picture.told.closing { "closing" } else { yes(config.mailbox.serve) },
        ),
        (
            "who may have an inbox",
            match (config.mailbox.serve, config.mailbox.open) {
                (false, _) => "nobody",
                (true, true) => "anybody",
                (true, false) => "who works for it or has a word",
            },
        ),
    ];
    out.write_str("<h2>What it does</h2>\n<table>\n")?;
    rows.iter()
        .try_for_each(|(what, how)| writeln!(out, "<tr><td>{what}</td><td class=\"n\">{how}</td></tr>"))?;
    out.write_str("</table>\n")
}

fn fullness(out: &mut String, picture: &Picture) -> std::fmt::Result {
    out.write_str("<h2>How full it is</h2>\n<table>\n")?;
    for (what, used, most) in picture.fullness() {
        let shown = |number: u64| if what == "mailbox bytes" { size(number) } else { number.to_string() };
        writeln!(
            out,
            "<tr><td>{what}</td><td><meter min=\"0\" max=\"{}\" high=\"{}\" value=\"{used}\"></meter></td>\
             <td class=\"n\">{} of {}</td></tr>",
            most.max(1),
            most / 10 * 9,
            shown(used),
            shown(most)
        )?;
    }
    let (memory, disk) = (picture.usage.resident_bytes, picture.usage.disk_free_bytes);
    let rows = [("memory in use", memory), ("room on the disk", disk)];
    for (what, bytes) in rows.iter().filter_map(|(what, bytes)| bytes.map(|bytes| (what, bytes))) {
        writeln!(out, "<tr><td>{what}</td><td></td><td class=\"n\">{}</td></tr>", size(bytes))?;
    }
    out.write_str("</table>\n")
}

fn activity(out: &mut String, picture: &Picture) -> std::fmt::Result {
    let net = &picture.net;
    let mut rows = vec![
        ("connections", net.connections),
        ("connections refused", net.refused),
        ("records stored", net.records_stored),
        ("look-ups answered", net.look_ups_served),
        ("connections passed on", net.circuits_begun),
        ("tests for others", net.tests_reached + net.tests_failed),
    ];
    if let Some(turn) = &picture.turn {
        rows.push(("addresses opened for calls", turn.allocated));
        rows.push(("megabytes passed on for calls", turn.bytes / 1_000_000));
    }
    if let Some(mailbox) = &picture.mailbox {
        rows.push(("envelopes taken", mailbox.counted.deposits));
        rows.push(("envelopes handed over", mailbox.counted.fetched));
    }
    out.write_str("<h2>Since the start</h2>\n<table>\n")?;
    rows.iter().try_for_each(|(what, count)| {
        writeln!(out, "<tr><td>{what}</td><td class=\"n\">{count}</td></tr>")
    })?;
    out.write_str("</table>\n")
}

/// Text as it may stand in HTML. What is shown comes from our own settings; a slip there must not break the page.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            other => out.push(other),
        }
    }
    out
}

fn duration(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3_600, seconds / 86_400);
    let named = |number: u64, one: &str| format!("{number} {one}{}", if number == 1 { "" } else { "s" });
    match (days, hours, minutes) {
        (0, 0, 0) => named(seconds, "second"),
        (0, 0, minutes) => named(minutes, "minute"),
        (0, hours, _) => named(hours, "hour"),
        (days, hours, _) => format!("{} and {}", named(days, "day"), named(hours % 24, "hour")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::tests::picture;

    #[test]
    fn the_page_says_what_to_give_to_people_and_that_all_is_well() {
        let page = render(&picture());
        assert!(page.starts_with("<!doctype html>"));
        assert!(page.contains("<code>/ip4/198.51.100.7/tcp/4001/p2p/12D3KooWExample</code>"), "{page}");
        assert!(page.contains("All is well.") && page.contains("up for 1 day and 2 hours"));
        assert!(page.contains("7 of 5000") && page.contains("0 bytes of 4.0 GiB"));
        assert!(page.contains("prefers-color-scheme:dark") && !page.contains("<script"));
    }

    #[test]
    fn warnings_are_shown_and_harmless() {
        let mut picture = picture();
        picture.told.settings_refused = Some("line 3: <script>alert(\"x\")</script> & more".to_owned());
        let page = render(&picture);
        assert!(page.contains("&lt;script&gt;alert(&quot;x&quot;)") && !page.contains("<script"));
        assert!(page.contains("To look at") && !page.contains("All is well"));
    }

    #[test]
    fn addresses_of_this_machine_are_shown_only_when_there_are_no_others() {
        let mut picture = picture();
        let private = "/ip4/192.168.1.5/tcp/4001/p2p/12D3KooWExample".to_owned();
        picture.told.addresses.push(crate::status::Shown { text: private.clone(), is_public: false });
        assert!(!render(&picture).contains(&private));
        picture.told.addresses.remove(0);
        assert!(render(&picture).contains(&private));
    }

    #[test]
    fn durations_are_readable() {
        let shown = [0, 1, 60, 7_200, 90_000].map(duration);
        assert_eq!(shown, ["0 seconds", "1 second", "1 minute", "2 hours", "1 day and 1 hour"]);
    }
}
