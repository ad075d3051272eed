//! What groups say, in words. The app speaks English so far; every sentence about groups is here or in `kith_node::lines`.

use kith_engine::view::GroupLine;
use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_engine::view::LinkView;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_engine::view::PreviewView;
use kith_node::lines;
use kith_node::lines::Names;
use kith_proto::group::History;
use kith_proto::group::Role;
use kith_proto::id::AccountId;
use kith_proto::time::Timestamp;

use crate::action::groups::Doubt;
use crate::action::groups::Step;
use crate::model::dates::Now;
use crate::model::groups::Groups;
use crate::model::groups::Notify;
use crate::model::groups::rights::Silence;

/// What a role is called where it stands alone.
pub fn role(role: Role) -> String {
    capital(lines::role_word(role))
}

/// What a role lets its holder do, in short.
pub fn role_means(role: Role) -> &'static str {
    match role {
        Role::Observer => "reads along",
        Role::Member => "takes part",
        Role::Moderator => "keeps order",
        Role::Admin => "sets roles and rules",
        Role::Owner => "may do everything",
    }
}

/// The lowest role that may do something, as the rules name it.
pub fn from_role(role: Role) -> &'static str {
    match role {
        Role::Observer => "Everybody",
        Role::Member => "Members and above",
        Role::Moderator => "Moderators and above",
        Role::Admin => "Admins and owners",
        Role::Owner => "Owners only",
    }
}

fn capital(words: &str) -> String {
    let mut chars = words.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// What happened in a group, as a sentence.
pub fn line(line: &GroupLine, who: &AccountId, at: Timestamp, names: &Names, now: Now) -> String {
    // Times are told as the person's clock shows them.
    if let GroupLine::Muted { whom, until } = line
        && *until > at
        && *until != Timestamp::NEVER
    {
        let (by, end) = (names.of(who), moment(*until, now));
        return capital(&match names.is_own(whom) {
            true => format!("you were muted by {by} until {end}"),
            false => format!("{by} muted {} until {end}", names.of(whom)),
        });
    }
    capital(&lines::sentence(line, who, at, names))
}

/// A time with its day, unless that is today.
pub fn moment(time: Timestamp, now: Now) -> String {
    let (day, clock) = (now.day(time), now.clock(time));
    match day - now.day(now.time) {
        0 => clock,
        1 => format!("tomorrow at {clock}"),
        -1 => format!("yesterday at {clock}"),
        _ => format!("{} at {clock}", now.day_name(day)),
    }
}

/// The last line of a group in the list.
pub fn preview(group: Option<&GroupView>, last: Option<&PreviewView>, groups: &Groups, now: Now) -> String {
    match (group.map(|group| group.state), last) {
        (Some(GroupState::Invited), _) => "You are invited".to_owned(),
        (_, Some(last)) => match &last.kind {
            MessageKind::System(what) => line(what, &last.sender, last.sent_at, groups.names(), now),
            MessageKind::Text if last.text.is_empty() => {
                format!("{}: disappearing message", groups.name_of(&last.sender))
            }
            MessageKind::Text => format!("{}: {}", groups.name_of(&last.sender), last.text),
        },
        (_, None) => "No messages yet".to_owned(),
    }
}

/// How many members, and how many of them are online.
pub fn members(count: usize, online: usize) -> String {
    let members = if count == 1 { "1 member".to_owned() } else { format!("{count} members") };
    if online == 0 { members } else { format!("{members}, {online} online") }
}

/// What a group is called; one that is asked for has not told its name yet.
pub fn title(group: &GroupView) -> String {
    let name = crate::text::clean_name(&group.name);
    match (name.is_empty(), group.state) {
        (false, _) => name,
        (true, GroupState::Asking) => "A group you asked to join".to_owned(),
        (true, _) => "A group without a name".to_owned(),
    }
}

/// Why nothing can be written.
pub fn silence(silence: Silence, now: Now) -> String {
    match silence {
        Silence::Asking => "Nobody has let you in yet. It goes on whenever you are online.".to_owned(),
        Silence::Invited => "Accept the invitation to write here.".to_owned(),
        Silence::Left => "You left this group. What was said stays readable here.".to_owned(),
        Silence::Removed => "You were removed from this group. What was said stays readable here.".to_owned(),
        Silence::Observer => "You are an observer in this group: you can read, not write.".to_owned(),
        Silence::OnlyFrom(least) => format!("{} write in this group.", from_role(least)),
        Silence::Muted(Timestamp::NEVER) => {
            "You were muted in this group until somebody lifts it.".to_owned()
        }
        Silence::Muted(until) => format!("You were muted in this group until {}.", moment(until, now)),
    }
}

/// Of what the person is told.
pub fn notify(notify: Notify) -> &'static str {
    match notify {
        Notify::All => "Every message",
        Notify::Mentions => "Only when I am mentioned",
        Notify::Nothing => "Nothing",
    }
}

/// What newcomers see.
pub fn history(history: History) -> String {
    match history {
        History::Nothing => "Nothing from before they came".to_owned(),
        History::Last(count) => format!("The last {count} messages"),
        History::Everything => "Everything members still have".to_owned(),
    }
}

/// A stretch of time as rules name it.
pub fn stretch(secs: u32) -> String {
    let (count, unit) = match secs {
        0 => return "Off".to_owned(),
        secs if secs % 604_800 == 0 => (secs / 604_800, "week"),
        secs if secs % 86_400 == 0 => (secs / 86_400, "day"),
        secs if secs % 3_600 == 0 => (secs / 3_600, "hour"),
        secs if secs % 60 == 0 => (secs / 60, "minute"),
        secs => (secs, "second"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// What is to be known of a link.
pub fn link(link: &LinkView, groups: &Groups, now: Now) -> String {
    let mut facts = vec![match (link.uses, link.used) {
        (0, 0) => "nobody came by it yet".to_owned(),
        (0, 1) => "1 came by it".to_owned(),
        (0, used) => format!("{used} came by it"),
        (uses, used) => format!("{used} of {uses} came by it"),
    }];
    facts.push(match link.expires {
        Timestamp::NEVER => "no end".to_owned(),
        end if end <= now.time => "expired".to_owned(),
        end => format!("until {}", moment(end, now)),
    });
    if link.approval {
        facts.push("somebody has to agree".to_owned());
    }
    let by = groups.names().of(&link.made_by);
    format!("{}. By {by}", capital(&facts.join(" · ")))
}

/// How far a message is with one member.
pub fn receipt(state: MessageState) -> &'static str {
    match state {
        MessageState::Read => "has read it",
        MessageState::Delivered => "has it",
        MessageState::Stored => "waits in their mailboxes",
        MessageState::Sent => "on its way",
        MessageState::Queued => "waits for a connection",
        MessageState::Failed => "not delivered",
    }
}

/// How far an own message in a group is, in short.
pub fn reached(message: &MessageView) -> Option<String> {
    let receipts = message.receipts.filter(|receipts| receipts.of > 0)?;
    Some(match (receipts.read, receipts.delivered) {
        (read, _) if read == receipts.of => "read by all".to_owned(),
        (0, 0) => "not delivered yet".to_owned(),
        (0, delivered) => format!("delivered to {delivered} of {}", receipts.of),
        (read, _) => format!("read by {read} of {}", receipts.of),
    })
}

/// A question before something that cannot be undone: the question, what follows, and the word on the button.
pub fn doubt(doubt: &Doubt, groups: &Groups) -> (String, String, &'static str) {
    let name = groups.get(&doubt.group).map(title).unwrap_or_default();
    match &doubt.what {
        Step::Remove(who) => {
            let who = groups.names().of(who);
            let what = format!(
                "{who} reads nothing new from then on, and keeps what was said. They can be added again."
            );
            (format!("Remove {who} from “{name}”?"), what, "Remove")
        }
        Step::Ban(who) => {
            let who = groups.names().of(who);
            let what = format!("{who} is removed and cannot come back by any link until the ban is lifted.");
            (format!("Ban {who} from “{name}”?"), what, "Ban")
        }
        Step::MakeOwner(who) => {
            let who = groups.names().of(who);
            let what = format!(
                "{who} may then do everything, make other owners too. Only owners who came earlier can take it back."
            );
            (format!("Make {who} an owner of “{name}”?"), what, "Make owner")
        }
        Step::StepDown { to, .. } => {
            let what =
                "You cannot take your role back yourself: somebody with a higher one has to give it to you.";
            (format!("Step down to {}?", lines::role_word(*to)), what.to_owned(), "Step down")
        }
        Step::RevokeLink(_) => {
            let what = "Nobody comes by it any more. Who came by it stays.";
            ("Take the link back?".to_owned(), what.to_owned(), "Take back")
        }
        Step::Delete(_) => {
            let what = "It disappears for every member as soon as their devices hear of it. That somebody deleted a message stays visible.";
            ("Delete this message for everybody?".to_owned(), what.to_owned(), "Delete")
        }
        Step::Leave => {
            let what = "You read nothing new from then on. To come back, somebody has to add you or give you a link.";
            (format!("Leave “{name}”?"), what.to_owned(), "Leave")
        }
        Step::Forget => {
            let what = "The group and all its messages are deleted on this computer. This cannot be undone.";
            (format!("Forget “{name}”?"), what.to_owned(), "Forget")
        }
    }
}
