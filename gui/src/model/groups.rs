//! The groups as data: who is in them, what everybody is called, of what the person is told. What a role allows is in
//! `rights`, sentences are in `words`, what the person wants is carried out by `acting`.

pub mod acting;
pub mod info;
pub mod mention;
pub mod people;
pub mod reports;
pub mod rights;
pub(in crate::model) mod rooming;
pub mod words;

use std::collections::BTreeMap;
use std::collections::BTreeSet;

use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_engine::view::MemberView;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageView;
use kith_node::lines::Names;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;

use crate::action::Request;
use crate::model::groups::rights::Rights;
use crate::say;
use crate::text;

/// Of what a person is told in a group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notify {
    /// Of every message.
    #[default]
    All,
    /// Of messages that call them.
    Mentions,
    /// Of nothing.
    Nothing,
}

/// All groups.
#[derive(Default)]
pub struct Groups {
    by_id: BTreeMap<GroupId, GroupView>,
    own: Option<AccountId>,
    /// What people call themselves, cleaned; contacts, members, and former members whose lines are on screen.
    known: BTreeMap<AccountId, String>,
    /// Whose names were asked for, so that each is asked for once.
    sought: BTreeSet<AccountId>,
    names: Names,
    notify: BTreeMap<ChatId, Notify>,
    /// Chats in which an unread message calls the person.
    calling: BTreeSet<ChatId>,
    /// A chat that is shown as soon as it is there.
    pub(super) expected: Option<ChatId>,
}

impl Groups {
    /// Takes everything as it is at the start.
    pub(super) fn replace(&mut self, own: AccountId, groups: Vec<GroupView>, calling: BTreeSet<ChatId>) {
        (self.own, self.calling) = (Some(own), calling);
        self.by_id.clear();
        for group in groups {
            self.learn_members(&group);
            self.by_id.insert(group.group, group);
        }
        self.rename();
    }

    /// The own account is known.
    pub(super) fn set_own(&mut self, own: AccountId) {
        if self.own != Some(own) {
            self.own = Some(own);
            self.rename();
        }
    }

    /// Takes a group as it is now.
    pub(super) fn put(&mut self, view: GroupView) {
        if self.learn_members(&view) {
            self.rename();
        }
        self.by_id.insert(view.group, view);
    }

    /// Forgets a group.
    pub(super) fn remove(&mut self, group: &GroupId) {
        self.by_id.remove(group);
        self.calling.remove(&ChatId::group(group));
    }

    fn learn_members(&mut self, view: &GroupView) -> bool {
        let members = view.members.iter().map(|member| (member.account, member.name.as_str()));
        let asking = view.requests.iter().map(|request| (request.account, request.name.as_str()));
        let people: Vec<_> = members.chain(asking).collect();
        people.into_iter().fold(false, |changed, (who, name)| self.learn(who, name) || changed)
    }

    /// Hears a name. Returns whether it is new.
    fn learn(&mut self, who: AccountId, name: &str) -> bool {
        let name = text::clean_name(name);
        if name.is_empty() || self.known.get(&who) == Some(&name) {
            return false;
        }
        self.known.insert(who, name);
        true
    }

    /// Hears what somebody is called.
    pub(super) fn hear_name(&mut self, who: AccountId, name: &str) {
        if self.learn(who, name) {
            self.rename();
        }
    }

    /// Hears names that were asked for.
    pub(super) fn hear_names(&mut self, names: &BTreeMap<AccountId, String>) {
        let changed = names.iter().fold(false, |changed, (who, name)| self.learn(*who, name) || changed);
        if changed {
            self.rename();
        }
    }

    fn rename(&mut self) {
        self.names = Names::new(self.own, self.known.clone());
    }

    /// Asks for the names of people in messages who are not known; each once.
    pub(super) fn want_names<'m>(
        &mut self,
        messages: impl Iterator<Item = &'m MessageView>,
    ) -> Option<Request> {
        let mut unknown = BTreeSet::new();
        for message in messages {
            let whom = match &message.kind {
                MessageKind::System(line) => line.whom(),
                MessageKind::Text | MessageKind::Call(_) => None,
            };
            unknown.extend([Some(message.sender), whom].into_iter().flatten());
        }
        unknown.retain(|who| {
            Some(*who) != self.own && !self.known.contains_key(who) && self.sought.insert(*who)
        });
        (!unknown.is_empty()).then(|| Request::LoadNames(unknown.into_iter().collect()))
    }

    /// A message came: whether it calls the person is kept until it is read.
    pub(super) fn hear_message(&mut self, message: &MessageView) {
        if !message.outgoing && self.is_called_by(message) {
            self.calling.insert(message.chat);
        }
    }

    /// Nothing is unread in a chat any more.
    pub(super) fn was_read(&mut self, chat: &ChatId) {
        self.calling.remove(chat);
    }

    /// Sets of what the person is told in a chat.
    pub(super) fn set_notify(&mut self, chat: ChatId, notify: Notify) {
        match notify {
            Notify::All => self.notify.remove(&chat),
            other => self.notify.insert(chat, other),
        };
    }

    /// Takes of what the person is told in which chat, where that is not everything.
    pub(super) fn take_notify(&mut self, notify: BTreeMap<ChatId, Notify>) {
        self.notify = notify;
    }

    /// Of what the person is told in which chat, where that is not everything.
    pub(super) fn notified(&self) -> &BTreeMap<ChatId, Notify> {
        &self.notify
    }

    /// The own account, once known.
    pub fn own(&self) -> Option<AccountId> {
        self.own
    }

    /// One group.
    pub fn get(&self, group: &GroupId) -> Option<&GroupView> {
        self.by_id.get(group)
    }

    /// The group of a chat.
    pub fn of_chat(&self, chat: &ChatId) -> Option<&GroupView> {
        self.by_id.values().find(|group| group.chat == *chat)
    }

    /// The groups that the person is in.
    pub fn joined(&self) -> impl Iterator<Item = &GroupView> {
        self.by_id.values().filter(|group| group.state == GroupState::Joined)
    }

    /// Groups that wait for the person, or for which the person waits.
    pub fn pending(&self) -> impl Iterator<Item = &GroupView> {
        self.by_id.values().filter(|group| matches!(group.state, GroupState::Asking | GroupState::Invited))
    }

    /// A member.
    pub fn member(&self, group: &GroupId, account: &AccountId) -> Option<&MemberView> {
        self.get(group)?.members.iter().find(|member| member.account == *account)
    }

    /// What the own role in a group allows.
    pub fn rights<'g>(&self, group: &'g GroupView) -> Rights<'g> {
        Rights::new(group, self.own)
    }

    /// How many people wait to be let in by the person.
    pub fn requests_for_us(&self, group: &GroupView) -> usize {
        if self.rights(group).may_invite() { group.requests.len() } else { 0 }
    }

    /// How many reports wait for the person.
    pub fn reports_for_us(&self, group: &GroupView) -> usize {
        if self.rights(group).may_moderate() { group.reports.len() } else { 0 }
    }

    /// Everybody by name, for sentences.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// What somebody is called; the beginning of the address for who told no name. The own name is “You”.
    pub fn name_of(&self, account: &AccountId) -> String {
        if self.own == Some(*account) { say!("you") } else { self.names.of(account) }
    }

    /// What somebody calls themselves, the person included.
    pub fn told_name(&self, account: &AccountId) -> String {
        self.known.get(account).cloned().unwrap_or_else(|| self.names.of(account))
    }

    /// Of what the person is told in a chat.
    pub fn notify(&self, chat: &ChatId) -> Notify {
        self.notify.get(chat).copied().unwrap_or_default()
    }

    /// Whether an unread message of a chat calls the person.
    pub fn is_calling(&self, chat: &ChatId) -> bool {
        self.calling.contains(chat)
    }

    /// Whether what is unread in a chat is to stand out.
    pub fn is_loud(&self, chat: &ChatId) -> bool {
        match self.notify(chat) {
            Notify::All => true,
            Notify::Mentions => self.is_calling(chat),
            Notify::Nothing => false,
        }
    }

    /// Whether a message calls the person.
    pub fn is_called_by(&self, message: &MessageView) -> bool {
        let own = self.own.is_some_and(|own| message.mentions.contains(&own));
        message.kind == MessageKind::Text && (own || message.mentions_all)
    }
}
