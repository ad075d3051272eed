//! What of a description and of candidates is looked at here, before others read them. They come from somebody else: what is too
//! long, or names places that a call has no business with, does not pass.

use std::net::IpAddr;

/// Whether a description may be read: as many sections as ours has or fewer, all with a fingerprint above or in them, of a size that
/// nobody needs to exceed, and of lines that everybody takes for the same ones.
pub(super) fn is_plausible(sdp: &str) -> bool {
    let lines = sdp.lines().count();
    let sections = sdp.lines().filter(|line| line.starts_with("m=")).count();
    let printed = sdp.lines().any(|line| line.starts_with("a=fingerprint:"));
    let long = sdp.lines().any(|line| line.len() > LONGEST_LINE);
    sdp.starts_with("v=0")
        && (1..=MOST_SECTIONS).contains(&sections)
        && lines <= MOST_LINES
        && printed
        && !long
        && !sdp.replace("\r\n", "").contains(|letter: char| letter.is_control() && letter != '\n')
}

/// The description without its candidates. Kith tells them in words of their own, where each is looked at, so those that stand here are not
/// even tried. Whoever reads the description skips spaces and more before the names of attributes; so no line with the word in it passes.
pub(super) fn without_candidates(sdp: &str) -> String {
    let tells = |line: &&str| !line.to_ascii_lowercase().contains("candidate");
    sdp.split_inclusive('\n').filter(tells).collect()
}

/// The names of the sections, in their order.
pub(super) fn sections(sdp: &str) -> Vec<String> {
    sdp.lines().filter_map(|line| line.strip_prefix("a=mid:")).map(|mid| mid.trim().to_owned()).collect()
}

/// Whether a candidate may be tried (RFC 8839, 5.1): UDP to an address that is one, none of names, and none of this device itself
/// unless `loopback`.
pub(crate) fn is_candidate(line: &str, loopback: bool) -> bool {
    let words: Vec<&str> = line.split_ascii_whitespace().take(MOST_WORDS + 1).collect();
    let [foundation, component, protocol, priority, address, port, "typ", kind, ..] = words.as_slice() else {
        return false;
    };
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let usable = !address.is_unspecified() && !address.is_multicast() && (loopback || !is_own(&address));
    line.is_ascii()
        && words.len() <= MOST_WORDS
        && (1..=32).contains(&foundation.len())
        && matches!(*component, "1" | "2")
        && protocol.eq_ignore_ascii_case("udp")
        && priority.parse::<u32>().is_ok()
        && port.parse::<u16>().is_ok_and(|port| port != 0)
        && matches!(*kind, "host" | "srflx" | "prflx" | "relay")
        && usable
}

fn is_own(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_loopback() || address.is_broadcast(),
        IpAddr::V6(address) => {
            address.is_loopback() || address.to_ipv4_mapped().is_some_and(|address| address.is_loopback())
        }
    }
}

/// Ours has three.
const MOST_SECTIONS: usize = 8;

/// A browser's has some two hundred.
const MOST_LINES: usize = 800;
const LONGEST_LINE: usize = 2_048;

/// The eight that must be, and a dozen extensions of two.
const MOST_WORDS: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candidates_of_strangers_are_looked_at() {
        let good = "1 1 udp 2130706431 192.0.2.1 50000 typ host";
        assert!(is_candidate(good, false));
        assert!(is_candidate("4 1 UDP 1 2001:db8::7 9 typ relay raddr 0.0.0.0 rport 0", false));
        let own = "1 1 udp 2130706431 127.0.0.1 50000 typ host";
        assert!(!is_candidate(own, false), "nothing of this device is to be asked");
        assert!(is_candidate(own, true), "but where it was allowed");
        for bad in [
            "",
            "1 1 udp 2130706431 printer.local 631 typ host",
            "1 1 udp 2130706431 ::ffff:127.0.0.1 631 typ host",
            "1 1 udp 2130706431 224.0.0.251 5353 typ host",
            "1 1 udp 2130706431 0.0.0.0 5353 typ host",
            "1 1 udp 2130706431 192.0.2.1 0 typ host",
            "1 1 tcp 2130706431 192.0.2.1 25 typ host",
            "1 1 udp -1 192.0.2.1 25 typ host",
            "1 1 udp 1 192.0.2.1 25 typ other",
            "1 1 udp 1 192.0.2.1 25 host",
        ] {
            assert!(!is_candidate(bad, false), "{bad}");
        }
        assert!(!is_candidate(&format!("{good} {}", "a b ".repeat(40)), false), "it is too long");
    }

    #[test]
    fn descriptions_are_looked_at_before_they_are_read() {
        let good = "v=0\r\na=fingerprint:sha-256 00\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=mid:0\r\n\
                    a=candidate:1 1 udp 1 192.0.2.1 25 typ host\r\na=end-of-candidates\r\n";
        assert!(is_plausible(good));
        let told = without_candidates(good);
        assert!(!told.contains("candidate") && told.ends_with("a=mid:0\r\n"));
        for disguised in
            ["a= candidate:1 1", "a=\u{a0}candidate:1 1", "a=CANDIDATE:1 1", "a=remote-candidates:1"]
        {
            assert_eq!(without_candidates(&format!("{good}{disguised}\r\n")), told, "{disguised}");
        }
        for hidden in ["\ra=candidate:1 1\r\n", "a=x\ra=y\r\n", "a=\0\r\n", "a=\u{85}\r\n", "a=\tx\r\n"] {
            assert!(
                !is_plausible(&format!("{good}{hidden}")),
                "two readers would see other lines: {hidden:?}"
            );
        }
        assert_eq!(sections(good), ["0"]);
        assert!(!is_plausible(&good.replace("fingerprint", "print")), "nobody could tell who it is from");
        assert!(!is_plausible(&good.repeat(9)), "nobody has so many sections");
        assert!(!is_plausible(&format!("{good}a={}", "x".repeat(3_000))));
        assert!(!is_plausible("hello"));
    }
}
