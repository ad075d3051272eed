//! What a refusal by the rules of a group is called: a sentence for people, a word for programs.

use std::fmt;

use super::Denial;

impl Denial {
    /// The stable word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::NotMember => "not_in_group",
            Self::RoleTooLow => "role_too_low",
            Self::NotOutranked => "not_outranked",
            Self::RoleTooHigh => "role_too_high",
            Self::AlreadyMember => "already_member",
            Self::NoSuchMember => "no_such_member",
            Self::Banned => "banned",
            Self::NotBanned => "not_banned",
            Self::GroupFull => "group_full",
            Self::NoSuchLink => "no_such_link",
            Self::LinkExists => "link_exists",
            Self::OtherRole => "other_role",
            Self::LinkUsedUp => "link_used_up",
            Self::OneselfInstead => "oneself",
            Self::OldList => "old_list",
            Self::TooManyLinks => "too_many_links",
            Self::UnknownKind => "unknown_kind",
        }
    }
}

impl fmt::Display for Denial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotMember => "you are not a member of this group",
            Self::RoleTooLow => "your role in this group does not allow that",
            Self::NotOutranked => "this member has a higher role than you, or the same for longer",
            Self::RoleTooHigh => "you can only give roles below your own",
            Self::AlreadyMember => "this person is a member already",
            Self::NoSuchMember => "this person is not a member",
            Self::Banned => "this person is banned: lift the ban first",
            Self::NotBanned => "this person is not banned",
            Self::GroupFull => "this group has as many members as it can have",
            Self::NoSuchLink => "there is no such link, or it was taken back",
            Self::LinkExists => "this link is there already",
            Self::OtherRole => "this link gives another role",
            Self::LinkUsedUp => "as many people came by this link as it was made for",
            Self::OneselfInstead => "you cannot do that to yourself: leave the group instead",
            Self::TooManyLinks => {
                "there are as many links into this group as there can be: take one back first"
            }
            Self::OldList => "the group has a newer list of devices",
            Self::UnknownKind => "this version of Kith does not know how to do that",
        })
    }
}
