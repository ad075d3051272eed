//! Public rooms as directories list them: the page to discover them, coming in by a link, and listing one's own.

use std::collections::BTreeMap;

use kith_engine::Command;
use kith_engine::view::GroupState;
use kith_engine::view::GroupView;
use kith_engine::view::RoomView;
use kith_proto::group::GroupInvite;
use kith_proto::group::MAX_LISTING_TAGS;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::GroupId;

use crate::action::Request;
use crate::model::Dialog;
use crate::model::Model;
use crate::model::groups::Groups;
use crate::text;

/// Names of rooms that are remembered while somebody is asked to let us in.
const MOST_NAMES: usize = 1_000;

/// What is known of rooms that this account need not be in.
#[derive(Default)]
pub struct Rooms {
    /// The open page, if it is open.
    pub page: Option<Discover>,
    /// What rooms are called that were seen in a directory.
    names: BTreeMap<GroupId, String>,
    /// Where the room of the open panel is listed: by directory.
    listings: BTreeMap<GroupId, Vec<RoomView>>,
}

/// The page on which rooms are looked for.
#[derive(Default)]
pub struct Discover {
    /// What is searched for.
    pub search: String,
    /// Only in this directory.
    pub directory: Option<GroupId>,
    /// What was found, once it was.
    found: Option<Vec<RoomView>>,
    /// What was asked for last.
    asked: (String, Option<GroupId>),
}

/// How this account stands to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It can ask to come in.
    Outside,
    /// It asks.
    Asking,
    /// It is in.
    Inside,
}

impl Discover {
    /// The rooms that were found; `None` while nothing is known.
    pub fn found(&self) -> Option<&[RoomView]> {
        self.found.as_deref()
    }

    /// Asks for what is searched for.
    fn want(&mut self) -> Request {
        self.asked = (self.search.trim().to_owned(), self.directory);
        let (words, directory) = self.asked.clone();
        Request::LoadRooms { words, directory }
    }

    /// Whether something else is searched for than was asked for last.
    pub fn is_stale(&self) -> bool {
        self.asked != (self.search.trim().to_owned(), self.directory)
    }
}

impl Rooms {
    /// What a room is called, if a directory told it.
    pub fn name(&self, room: &GroupId) -> Option<&str> {
        self.names.get(room).map(String::as_str)
    }

    /// Who lists a room in a directory, as last read.
    pub fn listings(&self, directory: &GroupId) -> &[RoomView] {
        self.listings.get(directory).map(Vec::as_slice).unwrap_or_default()
    }

    fn remember(&mut self, room: &RoomView) {
        let name = text::clean_name(&room.name);
        if !name.is_empty() && self.names.len() < MOST_NAMES {
            self.names.insert(room.room, name);
        }
    }

    /// Takes what was found.
    pub(super) fn take(&mut self, words: &str, directory: Option<GroupId>, found: Vec<RoomView>) {
        found.iter().for_each(|room| self.remember(room));
        let page = self.page.as_mut().filter(|page| page.asked.0 == words && page.asked.1 == directory);
        if let Some(page) = page {
            page.found = Some(found);
        }
    }

    /// Takes where a room is listed.
    pub(super) fn take_listings(&mut self, listings: BTreeMap<GroupId, Vec<RoomView>>) {
        self.listings = listings;
    }
}

/// The directories that this account is in, by name.
pub fn directories(groups: &Groups) -> Vec<&GroupView> {
    let mut found: Vec<&GroupView> = groups.joined().filter(|group| group.policy.directory).collect();
    found.sort_by_cached_key(|group| (group.name.to_lowercase(), group.group));
    found
}

/// How this account stands to a room.
pub fn standing(groups: &Groups, room: &GroupId) -> Standing {
    match groups.get(room).map(|group| group.state) {
        Some(GroupState::Joined | GroupState::Invited) => Standing::Inside,
        Some(GroupState::Asking) => Standing::Asking,
        _ => Standing::Outside,
    }
}

/// Opens the page, or closes it. Returns what the node has to do.
pub(super) fn open(model: &mut Model, directory: Option<GroupId>) -> Vec<Request> {
    let mut requests = model.close_chat();
    let mut page = Discover { directory, ..Discover::default() };
    requests.push(page.want());
    model.rooms.page = Some(page);
    requests
}

/// Asks for what is searched for now.
pub(super) fn search(model: &mut Model) -> Vec<Request> {
    let page = model.rooms.page.as_mut().filter(|page| page.is_stale());
    page.map(Discover::want).into_iter().collect()
}

/// The rooms in a directory are others.
pub(super) fn changed(model: &mut Model) -> Vec<Request> {
    let mut requests: Vec<Request> = model.rooms.page.as_mut().map(Discover::want).into_iter().collect();
    requests.extend(want_listings(model));
    requests
}

/// Asks where the room of the open panel is listed.
pub(super) fn want_listings(model: &Model) -> Option<Request> {
    let room = model.open_info().filter(|group| group.policy.public)?.group;
    let directories: Vec<GroupId> =
        directories(&model.groups).iter().map(|directory| directory.group).collect();
    (!directories.is_empty()).then_some(Request::LoadListings { room, directories })
}

/// What is known of a room before coming in.
pub struct JoinForm {
    /// The link.
    pub link: GroupInvite,
    /// What a directory says of it.
    pub room: Option<RoomView>,
    /// What is wrong.
    pub error: Option<String>,
    /// Whether it is under way.
    pub busy: bool,
}

impl JoinForm {
    /// Before coming in by a link.
    pub fn new(link: GroupInvite, room: Option<RoomView>) -> Self {
        Self { link, room, error: None, busy: false }
    }

    /// What the node has to do.
    pub(super) fn submit(&mut self) -> Vec<Request> {
        (self.error, self.busy) = (None, true);
        vec![Request::Command(Command::JoinGroup { link: self.link.clone() })]
    }
}

/// What is said of a room when it is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListForm {
    /// The language that is spoken there.
    pub language: String,
    /// The words by which it is found, as typed.
    pub tags: String,
}

impl ListForm {
    /// The words, each once, without `#`.
    pub fn words(&self) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for word in self.tags.split([',', ';', '\n', '#']).map(str::trim).filter(|word| !word.is_empty()) {
            if words.len() < MAX_LISTING_TAGS && !words.iter().any(|other| other == word) {
                words.push(word.to_owned());
            }
        }
        words
    }

    /// What lists a room. Its one link is made first if there is none.
    pub(super) fn publish(&self, directory: GroupId, room: GroupId) -> Vec<Request> {
        let language = self.language.trim().to_owned();
        let listed = Command::PublishRoom { directory, room, language, tags: self.words() };
        vec![Request::Command(Command::ShareRoom { group: room }), Request::Command(listed)]
    }
}

/// What one says of a room in a directory, if one lists it.
pub fn own_listing<'r>(
    rooms: &'r Rooms,
    directory: &GroupId,
    own: Option<AccountId>,
) -> Option<&'r RoomView> {
    rooms.listings(directory).iter().find(|room| Some(room.listed_by) == own)
}

/// Shows a room: its chat where the person is in it, else what is known of it before coming in.
pub(super) fn show(model: &mut Model, room: GroupId) -> Vec<Request> {
    let found = model.rooms.page.as_ref().and_then(Discover::found).unwrap_or_default();
    let Some(room) = found.iter().find(|found| found.room == room).cloned() else { return Vec::new() };
    if standing(&model.groups, &room.room) == Standing::Inside {
        return model.show_when_there(ChatId::group(&room.room));
    }
    model.dialog = Some(Dialog::Join(Box::new(JoinForm::new(room.link.clone(), Some(room)))));
    Vec::new()
}
