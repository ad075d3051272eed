//! The node ended by itself, or could not be opened: what is said about it, and how it goes on. Chats that are shown stay
//! readable meanwhile, and nothing that was written is lost.
//!
//! ```text
//!  Failed, Closed ─▶ stopped ── OpenAgain ─▶ opening ── Reopened ─▶ unlock if locked ─▶ the same chat, read anew
//!                       ▲                       │
//!                       └───── NotReopened ─────┘
//! ```

use std::collections::BTreeMap;

use kith_engine::Command;
use kith_node::AccountState;
use kith_node::Failure;
use kith_node::FailureKind;
use kith_node::NodeError;
use kith_proto::id::ChatId;

use crate::action::Action;
use crate::action::Request;
use crate::i18n::failures;
use crate::model::Model;
use crate::model::PhraseForm;
use crate::model::Screen;
use crate::model::UnlockForm;
use crate::model::WelcomeForm;
use crate::model::calls;
use crate::model::timeline::Timeline;
use crate::say;
use crate::text;

/// What a full disk needs before it makes sense to try again: what a mailbox leaves free for everything else, too
/// (`kith_host`), as opening writes and the next messages do.
const ROOM: u64 = 64 << 20;

/// The node does not run, though it should.
pub struct Stopped {
    /// Why.
    pub cause: Cause,
    /// Whether it is being opened again.
    pub opening: bool,
    /// Whether it could not be opened: it did not merely end.
    pub unopened: bool,
    /// What was being written in chats that were left since.
    drafts: BTreeMap<ChatId, String>,
}

/// Why the node does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The disk takes nothing more.
    Full,
    /// A file is damaged; what the node says about it.
    Damaged(String),
    /// The folder cannot be written; what the node says about it.
    Storage(String),
    /// A fault in the program.
    Fault,
    /// It ended without a word.
    Closed,
    /// Another reason, as a sentence for the person.
    Other(String),
}

/// What is taken up again once the account is open.
#[derive(Default)]
pub(super) struct Resume {
    drafts: BTreeMap<ChatId, String>,
    phrase: Option<PhraseForm>,
}

impl From<Failure> for Cause {
    fn from(failure: Failure) -> Self {
        match failure.kind {
            FailureKind::DiskFull => Self::Full,
            FailureKind::Damaged => Self::Damaged(failure.message),
            FailureKind::Storage => Self::Storage(failure.message),
            _ => Self::Fault,
        }
    }
}

impl From<&NodeError> for Cause {
    fn from(error: &NodeError) -> Self {
        match error.code() {
            "disk_full" => Self::Full,
            "damaged" => Self::Damaged(error.to_string()),
            "storage" => Self::Storage(error.to_string()),
            _ => Self::Other(failures::of(error)),
        }
    }
}

impl Stopped {
    /// What happened, in two words.
    pub fn title(&self) -> String {
        if self.unopened { say!("cannot-start") } else { say!("stopped-title") }
    }

    /// Why, and what to do about it. `folder` is where the data is.
    pub fn sentence(&self, folder: &str) -> String {
        match &self.cause {
            Cause::Full => say!("stopped-full", room = text::size(ROOM), folder = folder.to_owned()),
            Cause::Damaged(why) => say!("fail-damaged", why = why.clone()),
            Cause::Storage(why) => {
                say!("stopped-storage", folder = folder.to_owned(), why = why.clone())
            }
            Cause::Fault => say!("stopped-fault"),
            Cause::Closed => say!("stopped-closed"),
            Cause::Other(sentence) => sentence.clone(),
        }
    }
}

impl Model {
    /// The node does not run any more, and it was not the app that ended it. A reason is better than none.
    pub fn stop(&mut self, cause: Cause) {
        match &mut self.stopped {
            Some(_) if cause == Cause::Closed => return,
            Some(stopped) => stopped.cause = cause,
            None => {
                let drafts = BTreeMap::new();
                self.stopped = Some(Stopped { cause, opening: false, unopened: false, drafts });
            }
        }
        // Nobody is connected, and no call goes on.
        self.online.clear();
        let settings = self.calls.settings.clone();
        calls::replace(self, (Vec::new(), Vec::new()), settings);
        self.calls.rehearsed(None);
        self.busy = false;
    }
}

/// The chats could not be read when they were to be opened.
pub(super) fn unopened(model: &mut Model, why: String) {
    if model.stopped.is_none() {
        model.stop(Cause::Other(why));
    }
    model.stopped.iter_mut().for_each(|stopped| stopped.unopened = true);
}

/// Carries out an intent while there is no node: what only reads goes on, what is written is kept here.
pub(super) fn act(model: &mut Model, action: Action) -> Vec<Request> {
    match action {
        Action::OpenAgain => open_again(model),
        Action::Send => {
            model.toast(say!("node-stopped"), true);
            Vec::new()
        }
        other => {
            let requests = model.carry_out(other);
            requests.into_iter().filter_map(|request| keep(model, request)).collect()
        }
    }
}

fn open_again(model: &mut Model) -> Vec<Request> {
    let Some(stopped) = &mut model.stopped else { return Vec::new() };
    if std::mem::replace(&mut stopped.opening, true) { Vec::new() } else { vec![Request::OpenAgain] }
}

/// Keeps what nobody could write now, and hands back the rest. What was read is told again when the chat is next looked at.
fn keep(model: &mut Model, request: Request) -> Option<Request> {
    match request {
        Request::Command(Command::SaveDraft { chat, text }) => {
            keep_draft(model, chat, text);
            None
        }
        Request::Command(Command::MarkRead { .. }) => None,
        other => Some(other),
    }
}

fn keep_draft(model: &mut Model, chat: ChatId, text: String) {
    model.chats.set_draft(&chat, &text);
    if let Some(stopped) = &mut model.stopped {
        stopped.drafts.insert(chat, text);
    }
}

/// A message was not written any more: its text waits with whatever else is being written there. Hands it back while the
/// node runs.
pub(super) fn take_back(model: &mut Model, chat: ChatId, text: String) -> Option<String> {
    if model.stopped.is_none() {
        return Some(text);
    }
    let after = |draft: &str| if draft.is_empty() { text.clone() } else { format!("{draft}\n{text}") };
    if let Some(timeline) = model.timeline.as_mut().filter(|timeline| timeline.chat == chat) {
        timeline.draft = after(&timeline.draft);
    } else {
        let text = after(model.chats.get(&chat).map_or("", |view| view.draft.as_str()));
        keep_draft(model, chat, text);
    }
    None
}

/// It could not be opened again.
pub(super) fn not_reopened(model: &mut Model, error: &NodeError) {
    if let Some(stopped) = &mut model.stopped {
        (stopped.cause, stopped.opening, stopped.unopened) = (Cause::from(error), false, true);
    }
}

/// It is open again, though perhaps locked.
pub(super) fn reopened(model: &mut Model, state: AccountState) -> Vec<Request> {
    let Some(stopped) = model.stopped.take() else { return Vec::new() };
    let mut drafts = stopped.drafts;
    model.timeline = model.timeline.take().map(Timeline::anew);
    if let Some(timeline) = &model.timeline {
        // Also what is kept already as far as anybody knows: the last commits may not have got to disk.
        drafts.insert(timeline.chat, timeline.draft.clone());
    }
    model.resume.drafts = drafts;
    match state {
        AccountState::Ready => {
            if !matches!(model.screen, Screen::Main | Screen::Phrase(_)) {
                model.screen = Screen::Starting;
            }
            return resume(model);
        }
        AccountState::Locked => {
            let before = std::mem::replace(&mut model.screen, Screen::Unlock(UnlockForm::default()));
            if let Screen::Phrase(form) = before {
                model.resume.phrase = Some(form);
            }
        }
        AccountState::None => model.screen = Screen::Welcome(WelcomeForm::default()),
        AccountState::Stopped => model.stop(Cause::Closed),
    }
    Vec::new()
}

/// The account is open: what was being written is kept first, then everything is read.
pub(super) fn resume(model: &mut Model) -> Vec<Request> {
    let Resume { drafts, phrase } = std::mem::take(&mut model.resume);
    if let Some(form) = phrase {
        model.screen = Screen::Phrase(form);
    }
    let drafts = drafts.into_iter();
    let mut requests: Vec<Request> =
        drafts.map(|(chat, text)| Request::Command(Command::SaveDraft { chat, text })).collect();
    requests.extend(model.lagged());
    requests
}
