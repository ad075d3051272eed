//! What the node tells becomes what is shown. Not here: answers to requests (`answers`).

use kith_engine::Event;
use kith_engine::view::ContactView;
use kith_engine::view::MessageView;
use kith_engine::view::NetworkView;
use kith_proto::id::ChatId;
use kith_proto::id::MessageId;

use crate::action::Request;
use crate::model::Dialog;
use crate::model::Model;
use crate::model::calls;
use crate::model::groups::acting;
use crate::model::notices;
use crate::model::rooms;
use crate::model::settings::Page;
use crate::model::timeline::Timeline;

/// Takes an event. Returns what the node has to do next.
pub(super) fn take(model: &mut Model, event: Event) -> Vec<Request> {
    model.stale = true;
    match event {
        Event::Answered { .. } => {}
        Event::GroupCallIncoming(view) | Event::GroupCallChanged(view) => {
            return calls::together::heard(model, *view);
        }
        Event::CallIncoming(view) | Event::CallChanged(view) => return calls::heard(model, view),
        Event::MessageReceived(view) => {
            notices::hear(model, &view);
            return message(model, view);
        }
        Event::MessageWritten(view) => return message(model, view),
        Event::MessageState { chat, message, state } => {
            model.chats.set_state(&chat, &message, state);
            in_chat(model, &chat, |timeline| timeline.set_state(&message, state));
        }
        Event::MessageCopies { chat, message, copies } => {
            in_chat(model, &chat, |timeline| timeline.add_copies(&message, copies));
        }
        Event::MessageReceipts { chat, message, receipts } => {
            in_chat(model, &chat, |timeline| timeline.set_receipts(&message, receipts));
            let shown = matches!(&model.dialog, Some(Dialog::Receipts { message: of, .. }) if *of == message);
            return shown.then_some(Request::LoadReceipts(message)).into_iter().collect();
        }
        Event::MessageExpired { chat, message } | Event::MessageDeleted { chat, message } => {
            gone(model, &chat, &message);
        }
        Event::GroupChanged(view) => return acting::changed(model, *view),
        Event::RoomsChanged { .. } => return rooms::changed(model),
        Event::GroupForgotten { group, chat } => acting::forgotten(model, group, chat),
        Event::ContactRequested(view) => {
            notices::hear_request(model, view.chat, &view.name);
            contact(model, view);
        }
        Event::ContactChanged(view) => contact(model, view),
        Event::ContactRemoved { contact, chat } => {
            model.contacts.remove(&contact);
            model.chats.remove(&chat);
            if model.open_chat() == Some(chat) {
                model.timeline = None;
            }
        }
        Event::ChatChanged(view) => {
            let chat = view.chat;
            if view.unread == 0 {
                model.groups.was_read(&chat);
                model.notices.was_read(&chat);
            }
            model.chats.put(view);
            if model.groups.expected == Some(chat) {
                return model.show_when_there(chat);
            }
        }
        Event::ProfileChanged(view) => {
            model.groups.set_own(view.account);
            model.groups.hear_name(view.account, &view.name);
            model.profile = Some(view);
        }
        Event::NetworkChanged(view) => return network(model, view),
    }
    Vec::new()
}

fn in_chat(model: &mut Model, chat: &ChatId, then: impl FnOnce(&mut Timeline)) {
    if let Some(timeline) = model.timeline.as_mut().filter(|timeline| timeline.chat == *chat) {
        then(timeline);
    }
}

fn message(model: &mut Model, view: MessageView) -> Vec<Request> {
    model.groups.hear_message(&view);
    let mut requests = Vec::new();
    if let Some(timeline) = model.timeline.as_mut().filter(|timeline| timeline.chat == view.chat) {
        requests.extend(model.groups.want_names([&view].into_iter()));
        timeline.add(view);
        requests.extend(timeline.want_gaps(None));
    }
    requests
}

fn gone(model: &mut Model, chat: &ChatId, message: &MessageId) {
    in_chat(model, chat, |timeline| {
        timeline.remove(message);
        timeline.reply_to.take_if(|answered| answered == message);
    });
}

fn contact(model: &mut Model, view: ContactView) {
    if view.online {
        model.online.insert(view.contact);
    } else {
        model.online.remove(&view.contact);
    }
    model.groups.hear_name(view.contact, &view.name);
    model.contacts.insert(view.contact, view);
}

fn network(model: &mut Model, view: NetworkView) -> Vec<Request> {
    let moved = view.listen != model.network.listen;
    model.network = view;
    if moved {
        return model.load_all();
    }
    if matches!(&model.dialog, Some(Dialog::Settings(form)) if form.page == Page::Connection) {
        return model.examine();
    }
    Vec::new()
}
