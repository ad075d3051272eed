//! Why something could not be done, in the person's language. The node tells it as data and, for logs and programs, as an
//! English sentence; that sentence is shown only where a system says why, in whatever language it does.

use kith_engine::command::Refusal;
use kith_engine::groups::Denial;
use kith_node::NodeError;

use crate::say;

/// Why the node did not do it.
pub fn of(error: &NodeError) -> String {
    match error {
        NodeError::Refused(refusal) => refused(refusal),
        other => match other.code() {
            "no_account" => say!("fail-no-account"),
            "has_account" => say!("fail-has-account"),
            "locked" => say!("fail-locked"),
            "bad_phrase" => say!("fail-bad-phrase"),
            "wrong_passphrase" => say!("fail-wrong-passphrase"),
            "disk_full" => say!("fail-disk-full"),
            "in_use" => say!("fail-in-use"),
            "bad_address" => say!("fail-bad-node-address"),
            "bad_size" => say!("fail-bad-size"),
            "damaged" => say!("fail-damaged", why = other.to_string()),
            "stopped" => say!("node-stopped"),
            _ => say!("fail-other", why = other.to_string()),
        },
    }
}

/// What is wrong with a link or an address that somebody pasted.
pub fn no_link(text: &str) -> String {
    let text = text.trim().to_lowercase();
    if text.starts_with("kith1") {
        say!("fail-damaged-address")
    } else if text.starts_with("kith:") {
        say!("fail-damaged-link")
    } else {
        say!("fail-no-link")
    }
}

fn refused(refusal: &Refusal) -> String {
    match refusal {
        Refusal::TooLong { limit } => say!("fail-too-long", limit = *limit),
        Refusal::EmptyName => say!("fail-empty-name"),
        Refusal::EmptyMessage => say!("fail-empty-message"),
        Refusal::UnknownChat => say!("fail-unknown-chat"),
        Refusal::UnknownContact => say!("fail-contact-gone"),
        Refusal::UnknownMessage => say!("fail-message-gone"),
        Refusal::UnknownInvite => say!("fail-unknown-invite"),
        Refusal::OwnInvite => say!("fail-own-invite"),
        Refusal::OwnAddress => say!("fail-own-address"),
        Refusal::BadAddress => say!("fail-damaged-address"),
        Refusal::NotFoundYet => say!("fail-not-found-yet"),
        Refusal::AlreadyAsked => say!("fail-already-asked"),
        Refusal::InviteUseless => say!("fail-invite-useless"),
        Refusal::InviteForged => say!("fail-invite-forged"),
        Refusal::InviteExpired => say!("fail-invite-expired"),
        Refusal::AlreadyContact => say!("fail-already-contact"),
        Refusal::Blocked => say!("fail-blocked"),
        Refusal::NotRequested => say!("fail-not-requested"),
        Refusal::NotAccepted => say!("fail-not-accepted"),
        Refusal::OutboxFull => say!("fail-outbox-full"),
        Refusal::NoAddress => say!("fail-no-address"),
        Refusal::OwnMailbox => say!("fail-own-mailbox"),
        Refusal::UnknownMailbox => say!("fail-unknown-mailbox"),
        Refusal::UnknownBootstrap => say!("fail-unknown-bootstrap"),
        Refusal::TooMany => say!("fail-too-many"),
        of_groups => in_group(of_groups),
    }
}

fn in_group(refusal: &Refusal) -> String {
    match refusal {
        Refusal::Denied(denial) => denied(*denial),
        Refusal::SlowMode { wait_secs } => say!("fail-slow-mode", secs = *wait_secs),
        Refusal::UnknownGroup => say!("fail-unknown-group"),
        Refusal::NotInGroup => say!("fail-not-in-group"),
        Refusal::StillMember => say!("fail-still-member"),
        Refusal::CannotAdd => say!("fail-cannot-add"),
        Refusal::MayNotPost => say!("fail-may-not-post"),
        Refusal::NoSuchRequest => say!("fail-no-such-request"),
        Refusal::NoDirectory => say!("fail-no-directory"),
        Refusal::NotPublic => say!("fail-not-public"),
        Refusal::NotListed => say!("fail-not-listed"),
        Refusal::NotAnswered => say!("fail-not-answered"),
        other => say!("fail-other", why = other.to_string()),
    }
}

fn denied(denial: Denial) -> String {
    match denial {
        Denial::NotMember => say!("fail-not-in-group"),
        Denial::RoleTooLow => say!("fail-role-too-low"),
        Denial::NotOutranked => say!("fail-not-outranked"),
        Denial::RoleTooHigh => say!("fail-role-too-high"),
        Denial::AlreadyMember => say!("fail-already-member"),
        Denial::NoSuchMember => say!("fail-no-such-member"),
        Denial::Banned => say!("fail-banned"),
        Denial::NotBanned => say!("fail-not-banned"),
        Denial::GroupFull => say!("fail-group-full"),
        Denial::NoSuchLink => say!("fail-no-such-link"),
        Denial::LinkUsedUp => say!("fail-link-used-up"),
        Denial::OneselfInstead => say!("fail-oneself"),
        other => say!("fail-other", why = other.to_string()),
    }
}
