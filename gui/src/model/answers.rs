//! What the node answers to requests becomes what is shown, and failures are shown where the person looks. Not here: what
//! the node tells by itself (`events`).

use kith_engine::Command;
use kith_engine::command::Answer;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::MessageView;
use kith_proto::id::ChatId;

use crate::action::Request;
use crate::bridge::All;
use crate::bridge::Reply;
use crate::model::Dialog;
use crate::model::Model;
use crate::model::PhraseForm;
use crate::model::Screen;
use crate::model::calls;
use crate::model::groups::acting;
use crate::model::stopped;
use crate::model::timeline::Timeline;
use crate::say;

/// Takes an answer. Returns what the node has to do next.
pub(super) fn take(model: &mut Model, reply: Reply) -> Vec<Request> {
    model.busy = false;
    match reply {
        Reply::Created(phrase) => model.screen = Screen::Phrase(PhraseForm::new(&phrase)),
        Reply::Unlocked => {
            model.screen = Screen::Starting;
            return stopped::resume(model);
        }
        Reply::All(all) => return everything(model, *all),
        Reply::Page { chat, before, messages } => return page(model, chat, before, messages),
        Reply::Done(answer) => return done(model, *answer),
        Reply::Safety(of, number) => {
            if let Some(Dialog::Safety { contact, groups }) = &mut model.dialog
                && *contact == of
            {
                *groups = Some(number);
            }
        }
        Reply::QrText(text) => match &mut model.dialog {
            Some(Dialog::Add(form)) => (form.link, form.error) = (text, None),
            Some(Dialog::Settings(form)) => form.take_code(text),
            _ => {}
        },
        Reply::Names(names) => model.groups.hear_names(&names),
        Reply::Pins { chat, found } => return acting::pins_found(model, chat, found),
        Reply::Gaps { chat, before, found } => {
            let timeline = model.timeline.as_mut().filter(|timeline| timeline.chat == chat);
            return timeline.and_then(|timeline| timeline.set_gaps(before, found)).into_iter().collect();
        }
        Reply::Receipts(message, found) => acting::receipts_found(model, message, found),
        Reply::Kept | Reply::Rings => {}
        Reply::Calls(stats) => model.calls.measure(*stats),
        Reply::Rehearsed(now) => model.calls.rehearsed(now),
        Reply::CallDevices(devices) => model.calls.devices = *devices,
        Reply::Rooms { words, directory, found } => model.rooms.take(&words, directory, found),
        Reply::Listings(listings) => model.rooms.take_listings(listings),
        Reply::Filters(words) => {
            model.filters.set(words);
            model.timeline.as_mut().map(Timeline::measure_anew);
        }
        Reply::Reported => {
            model.dialog.take_if(|dialog| matches!(dialog, Dialog::Report(_)));
            model.toast(say!("toast-reported"), false);
        }
        Reply::TextSaved(path) => model.toast(say!("toast-saved", path = path), false),
        Reply::Help(view) => model.helping(*view),
        Reply::Examined(findings) => (model.findings, model.examining) = (findings, false),
        Reply::ReportSaved(path) => model.toast(say!("toast-report-saved", path = path), false),
        Reply::Trace(view) => {
            if let Some(Dialog::Trace(shown)) = &mut model.dialog {
                *shown = Some(view);
            }
        }
        Reply::PassphraseChanged => {
            if let Some(Dialog::Settings(form)) = &mut model.dialog {
                form.passphrase_changed();
            }
            model.toast(say!("toast-passphrase-changed"), false);
        }
        Reply::NotSent { chat, text, why } => not_sent(model, chat, text, why),
        Reply::Reopened(state) => return stopped::reopened(model, state),
        Reply::NotReopened(error) => stopped::not_reopened(model, &error),
        Reply::Failed(text) => failed(model, text),
    }
    Vec::new()
}

fn everything(model: &mut Model, all: All) -> Vec<Request> {
    let All { profile, contacts, chats, groups, filters, calling, overview, listen, calls } = all;
    for contact in &contacts {
        model.groups.hear_name(contact.contact, &contact.name);
    }
    model.groups.hear_name(profile.account, &profile.name);
    model.groups.replace(profile.account, groups, calling);
    model.filters.set(filters);
    model.profile = Some(profile);
    model.contacts = contacts.into_iter().map(|contact| (contact.contact, contact)).collect();
    model.chats.replace(chats);
    model.network = overview.network;
    model.online = overview.online;
    model.listen = listen;
    let ringing = calls::replace(model, (overview.calls, overview.group_calls), calls);
    // Not over a phrase that is still to be written down, nor over a failure.
    if matches!(model.screen, Screen::Starting) {
        model.screen = Screen::Main;
    }
    // Something came while it was read, which it may lack.
    let mut requests = if model.stale { model.load_all() } else { Vec::new() };
    let pins = model.open_group().map(|group| group.pins.clone());
    let timeline = model.timeline.as_mut().zip(pins);
    requests.extend(timeline.and_then(|(timeline, pins)| timeline.want_pins(&pins)));
    requests.extend(ringing);
    requests
}

fn page(model: &mut Model, chat: ChatId, before: Option<u64>, messages: Vec<MessageView>) -> Vec<Request> {
    let mut requests = Vec::new();
    let Some(timeline) = model.timeline.as_mut().filter(|timeline| timeline.chat == chat) else {
        return requests;
    };
    if timeline.group.is_some() {
        requests.extend(model.groups.want_names(messages.iter()));
        let earlier = before.and_then(|_| timeline.messages().first());
        let earlier = earlier.map(|first| (first.sent_at, first.message));
        requests.extend(timeline.want_gaps(earlier));
    }
    timeline.page(before, messages);
    requests.extend(timeline.go_on_seeking());
    requests
}

fn done(model: &mut Model, answer: Answer) -> Vec<Request> {
    match answer {
        Answer::Invite(invite) => {
            if let Some(Dialog::Add(form)) = &mut model.dialog {
                form.invite = Some(invite.to_string());
            }
        }
        Answer::Contact(contact) => return contact_answered(model, contact),
        Answer::Profile(profile) => {
            model.profile = Some(profile);
            model.toast(say!("toast-profile-saved"), false);
        }
        Answer::Group(view) => return acting::answered(model, *view),
        Answer::GroupLink(link) => acting::link_made(model, &link),
        Answer::Call(view) => return calls::heard(model, view),
        Answer::Message(_) | Answer::GroupCall(_) | Answer::Done => {}
    }
    Vec::new()
}

fn contact_answered(model: &mut Model, contact: ContactView) -> Vec<Request> {
    let asked = matches!(model.dialog, Some(Dialog::Add(_))) && contact.state != ContactState::Incoming;
    let chat = contact.chat;
    model.contacts.insert(contact.contact, contact);
    if !asked {
        return Vec::new();
    }
    model.dialog = None;
    model.toast(say!("toast-request-written"), false);
    model.show_chat(chat)
}

/// A message was refused: its text goes back to where it was written, unless something else is there now.
fn not_sent(model: &mut Model, chat: ChatId, text: String, why: String) {
    let Some(text) = stopped::take_back(model, chat, text) else { return };
    match model.timeline.as_mut().filter(|timeline| timeline.chat == chat && timeline.draft.is_empty()) {
        Some(timeline) => timeline.draft = text,
        None => model.clipboard = Some(text),
    }
    model.toast(why, true);
}

/// A request could not be handed over.
pub(super) fn not_asked(model: &mut Model, request: Request) {
    let why = say!("toast-busy");
    match request {
        Request::Command(Command::SendMessage { chat, text, .. }) => {
            not_sent(model, chat, text, why);
        }
        Request::Command(Command::SendToGroup { group, text, .. }) => {
            not_sent(model, ChatId::group(&group), text, why);
        }
        _ => model.toast(why, true),
    }
}

/// Shows a failure where the person looks.
fn failed(model: &mut Model, text: String) {
    match (&mut model.screen, &mut model.dialog) {
        (Screen::Welcome(form), _) => form.error = Some(text),
        (Screen::Unlock(form), _) => form.error = Some(text),
        (Screen::Starting, _) => stopped::unopened(model, text),
        (_, Some(Dialog::Add(form))) => form.error = Some(text),
        (_, Some(Dialog::Settings(form))) => form.error = Some(text),
        (_, Some(Dialog::Join(form))) => (form.error, form.busy) = (Some(text), false),
        (_, Some(Dialog::Report(form))) => (form.error, form.busy) = (Some(text), false),
        (_, Some(Dialog::People(form))) => (form.error, form.busy) = (Some(text), false),
        (_, Some(Dialog::Trace(_))) => {
            model.dialog = None;
            model.toast(text, true);
        }
        _ => model.toast(text, true),
    }
}
