//! What groups say, in words: every sentence about groups that is put together from facts. The texts themselves are in
//! `gui/i18n`.

mod doubts;
mod lines;

use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_engine::view::LinkView;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_engine::view::PreviewView;
use kith_proto::group::History;
use kith_proto::group::Role;
use kith_proto::time::Timestamp;

pub use self::doubts::doubt;
pub use self::lines::line;
use crate::model::dates::Now;
use crate::model::groups::Groups;
use crate::model::groups::Notify;
use crate::model::groups::rights::Silence;
use crate::say;

/// What a role is called where it stands alone.
pub fn role(role: Role) -> String {
    match role {
        Role::Observer => say!("role-observer"),
        Role::Member => say!("role-member"),
        Role::Moderator => say!("role-moderator"),
        Role::Admin => say!("role-admin"),
        Role::Owner => say!("role-owner"),
    }
}

/// The word for a role in a text, by which the text chooses what fits it.
pub fn role_word(role: Role) -> &'static str {
    kith_node::lines::role_word(role)
}

/// What a role lets its holder do, in short.
pub fn role_means(role: Role) -> String {
    match role {
        Role::Observer => say!("role-observer-means"),
        Role::Member => say!("role-member-means"),
        Role::Moderator => say!("role-moderator-means"),
        Role::Admin => say!("role-admin-means"),
        Role::Owner => say!("role-owner-means"),
    }
}

/// The lowest role that may do something, as the rules name it.
pub fn from_role(role: Role) -> String {
    match role {
        Role::Observer => say!("from-observer"),
        Role::Member => say!("from-member"),
        Role::Moderator => say!("from-moderator"),
        Role::Admin => say!("from-admin"),
        Role::Owner => say!("from-owner"),
    }
}

/// A time with its day, unless that is today.
pub fn moment(time: Timestamp, now: Now) -> String {
    let (day, clock) = (now.day(time), now.clock(time));
    match day - now.day(now.time) {
        0 => clock,
        1 => say!("tomorrow-at", clock = clock),
        _ => say!("day-at", day = now.day_within(day), clock = clock),
    }
}

/// The last line of a group in the list.
pub fn preview(group: Option<&GroupView>, last: Option<&PreviewView>, groups: &Groups, now: Now) -> String {
    match (group.map(|group| group.state), last) {
        (Some(GroupState::Invited), _) => say!("standing-invited"),
        (_, Some(last)) => match &last.kind {
            MessageKind::System(what) => line(what, &last.sender, last.sent_at, groups.names(), now),
            // There are none in groups.
            MessageKind::Call(call) => crate::model::calls::words::whole(call, last.outgoing),
            MessageKind::Text if last.text.is_empty() => {
                say!("preview-disappearing-by", name = groups.name_of(&last.sender))
            }
            MessageKind::Text => {
                say!("preview-said-by", name = groups.name_of(&last.sender), text = last.text.as_str())
            }
        },
        (_, None) => say!("no-messages"),
    }
}

/// How many members, and how many of them are online.
pub fn members(count: usize, online: usize) -> String {
    match online {
        0 => say!("members", count = count),
        online => say!("members-online", count = count, online = online),
    }
}

/// What a group is called; one that is asked for has not told its name yet.
pub fn title(group: &GroupView) -> String {
    let name = crate::text::clean_name(&group.name);
    match (name.is_empty(), group.state) {
        (false, _) => name,
        (true, GroupState::Asking) => say!("group-asked-for"),
        (true, _) => say!("group-without-name"),
    }
}

/// Why nothing can be written.
pub fn silence(silence: Silence, now: Now) -> String {
    match silence {
        Silence::Asking => say!("silence-asking"),
        Silence::Invited => say!("silence-invited"),
        Silence::Left => say!("silence-left"),
        Silence::Removed => say!("silence-removed"),
        Silence::Observer => say!("silence-observer"),
        Silence::OnlyFrom(least) => say!("silence-only-from", role = role_word(least)),
        Silence::Muted(Timestamp::NEVER) => say!("silence-muted"),
        Silence::Muted(until) => say!("silence-muted-until", until = moment(until, now)),
    }
}

/// Until when somebody is muted.
pub fn muted_until(until: Timestamp, now: Now) -> String {
    match until {
        Timestamp::NEVER => say!("member-muted"),
        until => say!("member-muted-until", until = moment(until, now)),
    }
}

/// Of what the person is told.
pub fn notify(notify: Notify) -> String {
    match notify {
        Notify::All => say!("notify-all"),
        Notify::Mentions => say!("menu-notify-mentions"),
        Notify::Nothing => say!("notify-nothing"),
    }
}

/// What newcomers see.
pub fn history(history: History) -> String {
    match history {
        History::Nothing => say!("history-nothing"),
        History::Last(count) => say!("history-last", count = count),
        History::Everything => say!("history-everything"),
    }
}

/// A stretch of time as rules name it.
pub fn stretch(secs: u32) -> String {
    match secs {
        0 => say!("off"),
        secs if secs % 604_800 == 0 => say!("weeks", count = secs / 604_800),
        secs if secs % 86_400 == 0 => say!("days", count = secs / 86_400),
        secs if secs % 3_600 == 0 => say!("hours", count = secs / 3_600),
        secs if secs % 60 == 0 => say!("minutes", count = secs / 60),
        secs => say!("seconds", count = secs),
    }
}

/// For how long a link is valid.
pub fn link_life(secs: Option<u64>) -> String {
    secs.map_or_else(|| say!("link-no-end"), |secs| stretch(u32::try_from(secs).unwrap_or(u32::MAX)))
}

/// How many may come by a link.
pub fn link_uses(uses: u32) -> String {
    if uses == 0 { say!("link-any-number") } else { say!("people", count = uses) }
}

/// What is to be known of a link.
pub fn link(link: &LinkView, groups: &Groups, now: Now) -> String {
    let mut facts = vec![match (link.uses, link.used) {
        (0, 0) => say!("link-unused"),
        (0, used) => say!("link-used", count = used),
        (uses, used) => say!("link-used-of", used = used, count = uses),
    }];
    facts.push(match link.expires {
        Timestamp::NEVER => say!("link-endless"),
        end if end <= now.time => say!("link-expired"),
        end => say!("link-until", until = moment(end, now)),
    });
    if link.approval {
        facts.push(say!("link-approval"));
    }
    let by = groups.names().of(&link.made_by);
    let by =
        if groups.names().is_own(&link.made_by) { say!("link-by-you") } else { say!("link-by", name = by) };
    facts.push(by);
    facts.join(" · ")
}

/// How far a message is with one member.
pub fn receipt(state: MessageState) -> String {
    match state {
        MessageState::Read => say!("receipt-read"),
        MessageState::Delivered => say!("receipt-delivered"),
        MessageState::Stored => say!("receipt-stored"),
        MessageState::Sent => say!("receipt-sent"),
        MessageState::Queued => say!("receipt-queued"),
        MessageState::Failed => say!("receipt-failed"),
    }
}

/// How far an own message in a group is, in short.
pub fn reached(message: &MessageView) -> Option<String> {
    let receipts = message.receipts.filter(|receipts| receipts.of > 0)?;
    Some(match (receipts.read, receipts.delivered) {
        (read, _) if read == receipts.of => say!("reached-all"),
        (0, 0) => say!("reached-none"),
        (0, delivered) => say!("reached-delivered", count = delivered, of = receipts.of),
        (read, _) => say!("reached-read", count = read, of = receipts.of),
    })
}
