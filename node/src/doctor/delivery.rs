//! Findings about mail: the own mailboxes, contacts, and what waits.

use kith_engine::view::ClockView;
use kith_engine::view::MailboxRefusal;
use kith_engine::view::MailboxView;
use kith_engine::view::NetworkView;

use crate::doctor::Finding;
use crate::doctor::Known;
use crate::doctor::Severity;
use crate::doctor::ago;
use crate::doctor::count;
use crate::doctor::duration;

/// Less room than this in a mailbox is a finding: a day of a chatty friend.
const LITTLE_BYTES: u64 = 1 << 20;

/// A mailbox that was away for longer is a finding: shorter is a restart.
const AWAY_SECS: u64 = 3_600;

/// A clock that is off by more may be in another period of mailboxes.
const WRONG_SECS: i64 = 12 * 3_600;

pub(super) fn findings(known: &Known) -> Vec<Finding> {
    let own = known.network.mailboxes.iter().enumerate();
    let each = own.map(|(at, own)| mailbox(known, &letter(at), own));
    let mut found = vec![mailboxes(&known.network)];
    found.extend(each);
    let own = known.network.mailboxes.iter().enumerate();
    found.extend(own.filter_map(|(at, own)| places(&letter(at), own)));
    found.extend([people(known), outbox(known)]);
    found
}

/// What a mailbox is called where it must not be named.
pub(super) fn letter(at: usize) -> String {
    let letter = u8::try_from(at).ok().filter(|at| *at < 26).map(|at| char::from(b'A' + at));
    letter.map_or_else(|| (at + 1).to_string(), String::from)
}

fn mailboxes(network: &NetworkView) -> Finding {
    let accepted = network.mailboxes.iter().filter(|own| own.accepted).count();
    let connected = network.mailboxes.iter().filter(|own| own.accepted && own.connected).count();
    let have = count(accepted, "mailbox has", "mailboxes have");
    let answer =
        if connected == 1 { "one of them answers".to_owned() } else { format!("{connected} of them answer") };
    let (severity, fact, action) = match (accepted, connected) {
        (0, _) => (
            Severity::Warning,
            "No mailbox has an inbox for this device: what comes while it is off waits with its senders."
                .to_owned(),
            "Add a community node that serves as a mailbox; three are best.",
        ),
        (_, 0) => (
            Severity::Problem,
            format!("{have} an inbox for this device, and none answers now."),
            "What is there waits; add another community node if this lasts.",
        ),
        (1, _) => (
            Severity::Warning,
            "One mailbox has an inbox for this device, and answers; if it dies, mail waits with its senders."
                .to_owned(),
            "Add community nodes run by others: three mailboxes are best.",
        ),
        (_, 1) => (
            Severity::Warning,
            format!(
                "{have} an inbox for this device, and only one of them answers now: what is left meanwhile has no second copy."
            ),
            "Wait some minutes if this device was just started or moved. If it lasts, add another community node: others are looked for after half an hour.",
        ),
        _ => (Severity::Good, format!("{have} an inbox for this device; {answer} now."), ""),
    };
    Finding::new("mailboxes", severity, fact, action)
}

fn mailbox(known: &Known, letter: &str, own: &MailboxView) -> Finding {
    let about = format!("mailbox {letter}");
    if let Some(why) = own.refused {
        let (fact, action) = match known.clock {
            Some(clock) if why == MailboxRefusal::NotKnown && is_wrong(clock) => (
                "It does not take this device, whose clock is wrong.",
                "Set the clock of this device, and start Kith again: then it is asked anew.",
            ),
            _ => refusal(why, own),
        };
        let read = if own.accepted { " What it holds is still read." } else { "" };
        return Finding::new(&about, Severity::Warning, format!("{fact}{read}"), action);
    }
    if !own.accepted {
        return Finding::unknown(&about, "It has not opened an inbox for this device yet.");
    }
    let left = own.left_at.map_or("nothing is known to have been left there".to_owned(), |at| {
        format!("something was last left there {}", ago(known.now, at))
    });
    let room = own.quota_left.map_or("how much room it has is not known yet".to_owned(), |left| {
        format!("{} were free", size(left))
    });
    let facts = format!("{left}; {room}; it scores {} of 1,000", own.score);
    if own.closing {
        let fact = format!("It closes and takes nothing any more; {facts}.");
        return Finding::new(
            &about,
            Severity::Warning,
            fact,
            "Nothing: another is looked for, and this one is read to its end.",
        );
    }
    if own.away_secs >= AWAY_SECS {
        let fact = format!("It has not answered for {} while others did; {facts}.", duration(own.away_secs));
        return Finding::new(
            &about,
            Severity::Warning,
            fact,
            "Remove it if its owner has given it up; another takes its place.",
        );
    }
    if own.quota_left.is_some_and(|left| left < LITTLE_BYTES) {
        let fact = format!("This device's room there is nearly used up; {facts}.");
        return Finding::new(
            &about,
            Severity::Warning,
            fact,
            "Leave this device on until it has fetched what is there.",
        );
    }
    match own.connected {
        true => Finding::good(&about, format!("It answers; {facts}.")),
        false if own.away_secs > 0 => {
            let away = duration(own.away_secs);
            Finding::unknown(&about, format!("It has not answered for {away} while others did; {facts}."))
        }
        false => Finding::unknown(&about, format!("It does not answer now; {facts}.")),
    }
}

/// Whether the clock of this device is off by so much that mailboxes refuse what it asks.
fn is_wrong(clock: ClockView) -> bool {
    clock.ahead_at_least_secs > WRONG_SECS || clock.ahead_at_most_secs < -WRONG_SECS
}

/// Who cannot leave anything in a mailbox.
fn places(letter: &str, own: &MailboxView) -> Option<Finding> {
    let about = format!("places in mailbox {letter}");
    let affected: Vec<String> =
        [(own.without.len(), "contact", "contacts"), (own.links_without as usize, "link", "links")]
            .into_iter()
            .filter(|(number, ..)| *number > 0)
            .map(|(number, one, many)| count(number, one, many))
            .collect();
    if !affected.is_empty() {
        let fact = format!(
            "It did not open the places of {} there, because another inbox has them: what they write for this device goes to the other mailboxes only.",
            affected.join(" and ")
        );
        let action = "Nothing at first: contacts are told of another place, and it is asked again every hour. If this lasts for days, remove this mailbox.";
        return Some(Finding::new(&about, Severity::Warning, fact, action));
    }
    (own.missing > 0).then(|| {
        let places = count(own.missing as usize, "place fewer", "places fewer");
        let fact = format!(
            "It says that it opened {places} than it was asked for, and not whose: some contacts may not be able to leave anything there."
        );
        let action = "Nothing at first: it is asked again every hour and replaced if it stays so. A mailbox that you named yourself stays: remove it.";
        Finding::new(&about, Severity::Warning, fact, action)
    })
}

/// Why a mailbox does not take this device, and what to do.
pub fn refusal(why: MailboxRefusal, own: &MailboxView) -> (&'static str, &'static str) {
    match why {
        MailboxRefusal::NotKnown if own.of_contact => (
            "It does not take this device: it keeps mail only for people whom its owner has as contacts.",
            "Ask its owner to add you as a contact there, or remove it.",
        ),
        MailboxRefusal::NotKnown if own.with_voucher => (
            "It does not take this device: the voucher that you gave does not count there.",
            "Ask whoever runs it for the word that counts now and add the mailbox again with it, or remove it.",
        ),
        MailboxRefusal::NotKnown => (
            "It does not take this device: it opens inboxes only for people with a voucher, or the two clocks differ by days.",
            "Look whether the clock of this device is right; else ask whoever runs it for a voucher and add the mailbox again with it, or remove it.",
        ),
        MailboxRefusal::Full => (
            "It is full and opens no inbox for this device.",
            "Use another one; it is asked again within a day.",
        ),
        MailboxRefusal::TooMuch => (
            "It opens no inbox for this device now: too many were asked for from this network.",
            "Nothing: it is asked again within a day. Use another one if this lasts.",
        ),
        MailboxRefusal::TooHard => (
            "It asks for more work than this device does for an inbox: too many want one there.",
            "Use another one, or ask whoever runs it for a voucher and add the mailbox again with it.",
        ),
        MailboxRefusal::LeavesOut => (
            "It opens fewer places for contacts than it is asked for.",
            "Use another one; whoever has no place there leaves mail in your other mailboxes.",
        ),
        MailboxRefusal::Closing => (
            "It closes and takes nothing any more.",
            "Nothing: another is looked for, and this one is read to its end.",
        ),
    }
}

fn people(known: &Known) -> Finding {
    let people = &known.people;
    let (online, all) = (people.online, count(people.accepted, "contact", "contacts"));
    let fact = match (people.accepted, people.without_mailbox) {
        (0, _) => "There are no contacts yet.".to_owned(),
        (_, 0) => format!("{online} of {all} online; for each a mailbox is known."),
        (_, without) => format!(
            "{online} of {all} online; for {without} no mailbox is known: what you write waits until both are online."
        ),
    };
    Finding::good("contacts", fact)
}

fn outbox(known: &Known) -> Finding {
    let waits = match known.engine.waiting {
        0 => "Nothing waits to be delivered".to_owned(),
        1 => "One thing waits to be confirmed by its receiver".to_owned(),
        many => format!("{many} things wait to be confirmed by their receivers"),
    };
    match known.people.refused {
        0 => Finding::good("waiting", format!("{waits}.")),
        refused => {
            let links = count(
                refused,
                "link or address that you used no longer works",
                "links or addresses that you used no longer work",
            );
            let action = "Ask those contacts for a new link and add it.";
            Finding::new("waiting", Severity::Warning, format!("{waits}; {links}."), action)
        }
    }
}

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_024 => format!("{bytes} bytes"),
        1_024..1_048_576 => format!("{} KiB", bytes >> 10),
        _ => format!("{} MiB", bytes >> 20),
    }
}
