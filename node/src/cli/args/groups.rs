//! What can be said about groups, with examples.

use clap::Args as ClapArgs;
use clap::Subcommand;

pub(crate) const EXAMPLES: &str = "\
Examples:
  kith-node group create Hiking Bob Carol                make a group with two contacts
  kith-node chat Hiking                                  talk in it; send and log work as well
  kith-node group show Hiking                            members, rules, links, who asks to come in
  kith-node group add Hiking Dave --role moderator       a contact, or a member of another common group
  kith-node group policy Hiking --history 100            newcomers see the last 100 messages
  kith-node group mute Hiking Dave --minutes 60          no word for an hour; unmute gives it back
  kith-node group link Hiking --hours 24 --uses 5        a link by which five people may come today
  kith-node group join 'kith:gAQ…'                       ask to come in by a link
  kith-node group leave Hiking                           the chat stays; forget removes it";

/// Which group.
#[derive(Debug, ClapArgs)]
pub(crate) struct Group {
    /// Its name, or the id from “group list”
    pub(crate) group: String,
}

/// Somebody in a group.
#[derive(Debug, ClapArgs)]
pub(crate) struct Member {
    #[command(flatten)]
    pub(crate) group: Group,
    /// A name, or an address kith1…
    pub(crate) person: String,
}

/// A message of a group.
#[derive(Debug, ClapArgs)]
pub(crate) struct Message {
    #[command(flatten)]
    pub(crate) group: Group,
    /// The message's name, as “send” and “log --ids” print it
    pub(crate) message: String,
}

#[derive(Debug, Subcommand)]
pub(crate) enum GroupTask {
    /// Make a group
    Create {
        /// What it is called
        name: String,
        /// Contacts who are members from the start, by name or address
        members: Vec<String>,
        /// Anybody may come by its link, and sees what was said
        #[arg(long)]
        public: bool,
        /// Members list public rooms in it
        #[arg(long)]
        directory: bool,
        /// In a public room: those who come only read until somebody makes them members
        #[arg(long)]
        observers_first: bool,
    },
    /// List the groups
    List,
    /// Show members, rules, links, pinned messages, and who asks to come in
    Show(Group),
    /// Add contacts, or members of another common group
    Add {
        #[command(flatten)]
        group: Group,
        /// Names, or addresses kith1…
        #[arg(required = true)]
        people: Vec<String>,
        /// What they become
        #[arg(long, default_value = "member")]
        role: RoleArg,
    },
    /// Remove a member
    Remove(Member),
    /// Stay in a group to which somebody who is no contact has added you
    Accept(Group),
    /// Leave a group; its chat stays
    Leave(Group),
    /// Forget a group that was left, and its chat
    Forget {
        #[command(flatten)]
        group: Group,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Give a member another role
    Role {
        #[command(flatten)]
        member: Member,
        /// Which
        role: RoleArg,
    },
    /// Give a group another name
    Rename {
        #[command(flatten)]
        group: Group,
        /// The new name
        name: String,
    },
    /// Say what a group is about
    Topic {
        #[command(flatten)]
        group: Group,
        /// The new topic; empty for none
        topic: String,
    },
    /// Show the rules of a group, or change those that are named
    Policy {
        #[command(flatten)]
        group: Group,
        #[command(flatten)]
        rules: Rules,
    },
    /// Remove somebody for good
    Ban(Member),
    /// Let somebody come again who was banned
    Unban(Member),
    /// Take a member's word for a while
    Mute {
        #[command(flatten)]
        member: Member,
        /// For how many minutes [default: until it is given back]
        #[arg(long)]
        minutes: Option<u64>,
    },
    /// Give a member's word back
    Unmute(Member),
    /// Print a link and QR code by which people come into a group; in a public room its one link, if nothing else is said
    Link {
        #[command(flatten)]
        group: Group,
        /// What they become [default: member]
        #[arg(long)]
        role: Option<RoleArg>,
        /// For how many hours it is valid [default: for ever]
        #[arg(long)]
        hours: Option<u64>,
        /// How many people may use it [default: any number]
        #[arg(long)]
        uses: Option<u32>,
        /// Somebody who may invite has to agree each time
        #[arg(long)]
        approval: bool,
        /// How much work those do who come, against floods, in bits of a hash: 20 take a part of a second
        #[arg(long)]
        work: Option<u8>,
    },
    /// Take a link back
    Unlink {
        #[command(flatten)]
        group: Group,
        /// Which, as “group show” lists it
        link: String,
    },
    /// Ask to come into a group by a link
    Join {
        /// The link, kith:g…
        link: String,
        /// Seconds to stay online until somebody has let you in
        #[arg(long, default_value_t = 30)]
        wait: u64,
    },
    /// Let somebody in who asks
    Approve(Member),
    /// Do not let somebody in who asks
    Refuse(Member),
    /// Put a message where everybody sees it
    Pin(Message),
    /// Take a pinned message away from there
    Unpin(Message),
    /// Delete a message for everybody; that cannot be taken back
    Delete(Message),
    /// Tell those who keep order of a message, privately
    Report {
        #[command(flatten)]
        message: Message,
        /// Why
        #[arg(default_value = "")]
        reason: String,
    },
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum RoleArg {
    Observer,
    Member,
    Moderator,
    Admin,
    Owner,
}

impl RoleArg {
    /// As the API says it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Observer => "observer",
            Self::Member => "member",
            Self::Moderator => "moderator",
            Self::Admin => "admin",
            Self::Owner => "owner",
        }
    }
}

/// What newcomers see of earlier messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HistoryArg {
    None,
    Last(u32),
    All,
}

/// Rules to change; each role is the lowest that may.
#[derive(Debug, ClapArgs)]
pub(crate) struct Rules {
    /// Who adds people and makes links
    #[arg(long, value_name = "ROLE")]
    pub(crate) invite: Option<RoleArg>,
    /// Who writes messages
    #[arg(long, value_name = "ROLE")]
    pub(crate) post: Option<RoleArg>,
    /// Who pins messages
    #[arg(long, value_name = "ROLE")]
    pub(crate) pin: Option<RoleArg>,
    /// Who calls everybody
    #[arg(long, value_name = "ROLE")]
    pub(crate) mention_all: Option<RoleArg>,
    /// Who sends files
    #[arg(long, value_name = "ROLE")]
    pub(crate) send_files: Option<RoleArg>,
    /// Who starts calls
    #[arg(long, value_name = "ROLE")]
    pub(crate) start_calls: Option<RoleArg>,
    /// Who changes name, topic and picture
    #[arg(long, value_name = "ROLE")]
    pub(crate) change_profile: Option<RoleArg>,
    /// Seconds between two messages of one member; 0 for none
    #[arg(long, value_name = "SECONDS")]
    pub(crate) slow_mode: Option<u32>,
    /// What newcomers see of earlier messages: none, all, or how many
    #[arg(long, value_name = "HISTORY", value_parser = history)]
    pub(crate) history: Option<HistoryArg>,
    /// After how many seconds messages disappear everywhere; 0 for never
    #[arg(long, value_name = "SECONDS")]
    pub(crate) retention: Option<u32>,
    /// Whether whoever comes by a link waits for somebody who may invite: true or false
    #[arg(long, value_name = "BOOL")]
    pub(crate) approve_links: Option<bool>,
    /// Whether it is a public room: true or false
    #[arg(long, value_name = "BOOL")]
    pub(crate) public: Option<bool>,
    /// Whether members list public rooms in it: true or false
    #[arg(long, value_name = "BOOL")]
    pub(crate) directory: Option<bool>,
    /// Whether those who come to a public room only read at first: true or false
    #[arg(long, value_name = "BOOL")]
    pub(crate) observers_first: Option<bool>,
}

fn history(text: &str) -> Result<HistoryArg, String> {
    match text {
        "none" => Ok(HistoryArg::None),
        "all" => Ok(HistoryArg::All),
        number => {
            let count = number.parse().map(HistoryArg::Last);
            count.map_err(|_| "write none, all, or how many messages".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_newcomers_see_is_a_word_or_a_number() {
        assert_eq!(history("none"), Ok(HistoryArg::None));
        assert_eq!(history("all"), Ok(HistoryArg::All));
        assert_eq!(history("100"), Ok(HistoryArg::Last(100)));
        assert!(history("some").is_err() && history("-1").is_err());
    }
}
