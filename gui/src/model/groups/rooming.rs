//! Carries out what a person wants of public rooms.

use kith_engine::Command;

use crate::action::Request;
use crate::action::RoomAction;
use crate::model::Dialog;
use crate::model::Model;
use crate::model::groups::people::Kind;
use crate::model::groups::people::PeopleForm;
use crate::model::rooms;

/// Carries out an intent. Returns what the node has to do for it.
pub(in crate::model) fn act(model: &mut Model, action: &RoomAction) -> Vec<Request> {
    match *action {
        RoomAction::Discover(directory) => rooms::open(model, directory),
        RoomAction::MakeDirectory => {
            let mut form = PeopleForm::new_group();
            form.kind = Kind::Directory;
            model.dialog = Some(Dialog::People(form));
            Vec::new()
        }
        RoomAction::CloseDiscover => {
            model.rooms.page = None;
            Vec::new()
        }
        RoomAction::Search => rooms::search(model),
        RoomAction::Show(room) => rooms::show(model, room),
        RoomAction::Join => match &mut model.dialog {
            Some(Dialog::Join(form)) => form.submit(),
            _ => Vec::new(),
        },
        RoomAction::Share => share(model),
        RoomAction::Publish(directory) => {
            let Some(form) = &model.info else { return Vec::new() };
            form.listing.publish(directory, form.group)
        }
        RoomAction::Unpublish(directory) => {
            let Some(form) = &model.info else { return Vec::new() };
            vec![Request::Command(Command::UnpublishRoom { directory, room: form.group })]
        }
    }
}

/// Asks for the one link of the room whose panel is open.
pub(super) fn share(model: &Model) -> Vec<Request> {
    let room = model.open_info().filter(|group| group.policy.public).map(|group| group.group);
    room.map(|group| Request::Command(Command::ShareRoom { group })).into_iter().collect()
}
