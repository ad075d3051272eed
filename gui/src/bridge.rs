//! Between the interface and the node: requests go to a worker thread, answers and events come back, and each wakes
//! the interface. The worker is one thread, so answers come in the order of the requests.

mod calls;
mod groups;
pub mod kept;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use crossbeam_channel::TrySendError;
use crossbeam_channel::bounded;
use kith_engine::Command;
use kith_engine::command::Answer;
use kith_engine::query;
use kith_engine::view::CallSettings;
use kith_engine::view::ChatView;
use kith_engine::view::ContactView;
use kith_engine::view::GroupView;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_engine::view::ProfileView;
use kith_engine::view::RoomView;
use kith_engine::view::TraceView;
use kith_node::AccountState;
use kith_node::Events;
use kith_node::Handle;
use kith_node::NodeError;
use kith_node::NodeEvent;
use kith_node::calling::GroupPictures;
use kith_node::calling::Pictures;
use kith_node::calling::choice::Whose;
use kith_node::calling::stats::Rehearsed;
use kith_node::calling::stats::Stats;
use kith_node::doctor;
use kith_node::doctor::Finding;
use kith_node::helping::HelpView;
use kith_proto::id::AccountId;
use kith_proto::id::CallId;
use kith_proto::id::ChatId;
use kith_proto::id::ContactId;
use kith_proto::id::GroupId;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;
use zeroize::Zeroizing;

use crate::action::Request;
use crate::i18n::failures;
use crate::model::calls::Devices;
use crate::say;

/// Messages in one page.
pub const PAGE: usize = 200;

/// Requests and answers that may wait; a person makes a few a second.
const QUEUE: usize = 4_096;

/// What is to be drawn at once is drawn twice, so that all things find their places (egui 0.37, `request_repaint_after`); a picture has its place.
const ONE_FRAME: Duration = Duration::from_millis(1);

/// The own picture is drawn together with the next one of the other's: frames of the whole window cost more than all else that a call does (measured where the processor
/// draws). Longer than the time between two pictures of theirs.
const OWN_MAY_WAIT: Duration = Duration::from_millis(60);

/// Reports of one day in one folder; whoever needs more has a folder full of them.
const MAX_REPORTS: u32 = 100;

/// How long the last requests may take when the window closes.
const FINISH_WITHIN: Duration = Duration::from_secs(2);

/// What came of a request.
pub enum Reply {
    /// The account is made; the phrase to write down.
    Created(Zeroizing<String>),
    /// The account is open.
    Unlocked,
    /// Everything that the main window shows.
    All(Box<All>),
    /// A page of a chat.
    Page {
        /// Which chat.
        chat: ChatId,
        /// Before which message it was asked for.
        before: Option<u64>,
        /// The messages, oldest first.
        messages: Vec<MessageView>,
    },
    /// A command was carried out.
    Done(Box<Answer>),
    /// A safety number in groups.
    Safety(ContactId, String),
    /// The invite that a picture shows.
    QrText(String),
    /// What people call themselves.
    Names(BTreeMap<AccountId, String>),
    /// Pinned messages of a chat.
    Pins {
        /// Which chat.
        chat: ChatId,
        /// Those that are here.
        found: Vec<MessageView>,
    },
    /// Before which messages of a chat others are missing.
    Gaps {
        /// Which chat.
        chat: ChatId,
        /// Before which message it was asked for.
        before: Option<(Timestamp, MessageId)>,
        /// The messages.
        found: BTreeSet<MessageId>,
    },
    /// Who has an own message how far.
    Receipts(MessageId, Vec<(AccountId, MessageState)>),
    /// Something is kept.
    Kept,
    /// What is to be heard is heard, or nothing any more.
    Rings,
    /// How the call to oneself goes; nothing when there is none.
    Rehearsed(Option<Rehearsed>),
    /// What is measured in calls.
    Calls(Box<Stats>),
    /// Which devices calls use, and which are there.
    CallDevices(Box<Devices>),
    /// Rooms in the directories.
    Rooms {
        /// What was searched for.
        words: String,
        /// Where.
        directory: Option<GroupId>,
        /// What was found, the newest first.
        found: Vec<RoomView>,
    },
    /// Who lists a room, by directory.
    Listings(BTreeMap<GroupId, Vec<RoomView>>),
    /// The words that the person does not want to read.
    Filters(Vec<String>),
    /// Those who keep order are told.
    Reported,
    /// A text is written, here.
    TextSaved(String),
    /// What is kept for others.
    Help(Box<HelpView>),
    /// What became of a message.
    Trace(Box<TraceView>),
    /// What is known about the connection.
    Examined(Vec<Finding>),
    /// A report is written, here.
    ReportSaved(String),
    /// The passphrase is changed.
    PassphraseChanged,
    /// A message was refused.
    NotSent {
        /// In which chat.
        chat: ChatId,
        /// What was written.
        text: String,
        /// Why, for the person.
        why: String,
    },
    /// The folder is open again; perhaps it is locked.
    Reopened(AccountState),
    /// The folder could not be opened again.
    NotReopened(NodeError),
    /// It could not be done; a sentence for the person.
    Failed(String),
}

/// Everything that the main window shows.
pub struct All {
    /// The own profile.
    pub profile: ProfileView,
    /// The contacts.
    pub contacts: Vec<ContactView>,
    /// The chats, newest first.
    pub chats: Vec<ChatView>,
    /// The groups.
    pub groups: Vec<GroupView>,
    /// The words that the person does not want to read.
    pub filters: Vec<String>,
    /// Chats in which an unread message calls the person.
    pub calling: BTreeSet<ChatId>,
    /// What is true now.
    pub overview: kith_engine::Overview,
    /// The own addresses as people write them.
    pub listen: Vec<String>,
    /// Who must not learn the own address in calls.
    pub calls: CallSettings,
}

/// What comes back from the worker.
enum Back {
    Reply(Reply),
    /// From now on it is this node, with its events.
    Opened(Handle, Events),
}

/// The interface's end.
pub struct Bridge {
    requests: Sender<Request>,
    replies: Receiver<Back>,
    events: Events,
    /// Whether the last event was told.
    ended: bool,
    handle: Handle,
}

impl Bridge {
    /// Starts the worker. `wake` is called from other threads whenever something came, with how long that may wait to be drawn.
    pub fn start(handle: Handle, wake: impl Fn(Duration) + Send + Sync + Clone + 'static) -> Self {
        let (requests, incoming) = bounded(QUEUE);
        let (outgoing, replies) = bounded(QUEUE);
        let listen = {
            let wake = wake.clone();
            move |node: &Handle| {
                let (events, now) = (node.events(), wake.clone());
                events.wake_with(move || now(Duration::ZERO));
                events
            }
        };
        let events = listen(&handle);
        let mut node = handle.clone();
        thread::spawn(move || {
            for request in incoming {
                let opens = request == Request::LoadAll;
                let reply = if request == Request::OpenAgain {
                    match open_again(&node) {
                        Ok(opened) => {
                            node = opened;
                            Back::Opened(node.clone(), listen(&node))
                        }
                        Err(error) => Back::Reply(Reply::NotReopened(error)),
                    }
                } else {
                    let failed = |error| Reply::Failed(failures::of(&error));
                    Back::Reply(carry_out(&node, request).unwrap_or_else(failed))
                };
                if opens {
                    // The node has begun by now; asked twice, the last one counts.
                    let wake = wake.clone();
                    node.wake_with_pictures(move |whose| {
                        wake(if whose == Whose::Own { OWN_MAY_WAIT } else { ONE_FRAME });
                    });
                }
                if outgoing.send(reply).is_err() {
                    break;
                }
                wake(Duration::ZERO);
            }
        });
        Self { requests, replies, events, ended: false, handle }
    }

    /// Hands over a request.
    ///
    /// # Errors
    /// When too many wait; gives it back.
    pub fn ask(&self, request: Request) -> Result<(), Request> {
        self.requests.try_send(request).map_err(TrySendError::into_inner)
    }

    /// The next answer, if one came.
    pub fn reply(&mut self) -> Option<Reply> {
        Some(match self.replies.try_recv().ok()? {
            Back::Reply(reply) => reply,
            Back::Opened(handle, events) => {
                (self.handle, self.events, self.ended) = (handle, events, false);
                Reply::Reopened(self.handle.account_state())
            }
        })
    }

    /// The next event, if one came. That the node has ended is told once.
    pub fn event(&mut self) -> Option<NodeEvent> {
        if self.ended {
            return None;
        }
        let event = self.events.try_recv();
        self.ended = event == Some(NodeEvent::Closed);
        event
    }

    /// The newest pictures of a call.
    pub fn pictures(&self, call: CallId) -> Pictures {
        self.handle.call_pictures(call)
    }

    /// The newest pictures of a call of a group.
    pub fn group_pictures(&self, call: CallId) -> GroupPictures {
        self.handle.group_call_pictures(call)
    }

    /// The data folder.
    pub fn folder(&self) -> &std::path::Path {
        &self.handle.config().data
    }

    /// Whether there is an account, and whether it is open.
    pub fn account_state(&self) -> AccountState {
        self.handle.account_state()
    }

    /// Lets the requests under way end, then stops the node.
    pub fn finish(&mut self) {
        let (closed, _) = bounded(1);
        drop(std::mem::replace(&mut self.requests, closed));
        while let Ok(back) = self.replies.recv_timeout(FINISH_WITHIN) {
            if let Back::Opened(handle, _) = back {
                self.handle = handle;
            }
        }
        self.handle.shut_down();
    }
}

/// Lets go of a folder whose node has stopped, and opens it again.
fn open_again(node: &Handle) -> Result<Handle, NodeError> {
    node.shut_down();
    Handle::start(node.config().clone())
}

fn carry_out(node: &Handle, request: Request) -> Result<Reply, NodeError> {
    Ok(match request {
        Request::CreateAccount { name, passphrase, phrase } => {
            let secret =
                |text: &Option<Zeroizing<String>>| text.as_ref().map(|text| text.as_str().to_owned());
            let (passphrase, words) = (secret(&passphrase), secret(&phrase));
            let made = node.create_account(&name, passphrase.as_deref(), words.as_deref())?;
            // Whoever brought it back has the phrase on paper.
            if phrase.is_some() { Reply::Unlocked } else { Reply::Created(made.phrase) }
        }
        Request::Unlock(passphrase) => {
            node.unlock(Some(&passphrase))?;
            Reply::Unlocked
        }
        Request::LoadAll => Reply::All(Box::new(everything(node)?)),
        Request::LoadPage { chat, before } => {
            let messages = node.query(|rows| query::timeline(rows, &chat, before, PAGE))?;
            Reply::Page { chat, before, messages }
        }
        Request::Command(command @ (Command::SendMessage { .. } | Command::SendToGroup { .. })) => {
            send(node, command)?
        }
        Request::Command(command) => Reply::Done(Box::new(node.call(command)?)),
        Request::Report(command) => {
            node.call(command)?;
            Reply::Reported
        }
        Request::AddContact { link, greeting } => match kith_node::asking::asking(&link, greeting) {
            Ok(command) => Reply::Done(Box::new(node.call(command)?)),
            Err(_) => Reply::Failed(failures::no_link(&link)),
        },
        Request::AddBootstrap(address) => {
            let address = kith_node::handle::check_bootstrap(&address)?;
            Reply::Done(Box::new(node.call(Command::AddBootstrap { address })?))
        }
        Request::AddMailbox { address, voucher } => {
            let mailbox = kith_node::handle::parse_node(&address)?;
            Reply::Done(Box::new(node.call(Command::AddMailbox { node: mailbox, voucher })?))
        }
        Request::LoadHelp => Reply::Help(Box::new(node.helping()?)),
        Request::Help { enabled, bytes, who } => {
            let view = node.help(enabled, |settings| (settings.bytes, settings.who) = (bytes, who))?;
            Reply::Help(Box::new(view))
        }
        Request::Trace(message) => match node.trace(&message)? {
            Some(view) => Reply::Trace(Box::new(view)),
            None => Reply::Failed(say!("fail-message-gone")),
        },
        Request::Examine => Reply::Examined(doctor::findings(&node.examine()?)),
        Request::SaveReport => save_report(node)?,
        Request::SaveText { name, text } => match save(&report_folders(node), &name, &text) {
            Ok(path) => Reply::TextSaved(path.display().to_string()),
            Err(error) => Reply::Failed(say!("fail-not-written", why = error.to_string())),
        },
        Request::SafetyNumber(contact) => safety(node, &contact)?,
        Request::ReadQr(bytes) => match read_qr(&bytes) {
            Some(text) => Reply::QrText(text),
            None => Reply::Failed(say!("fail-no-code")),
        },
        Request::ChangePassphrase { old, new } => {
            let text = |secret: &Option<Zeroizing<String>>| secret.as_ref().map(|text| text.to_string());
            node.change_passphrase(text(&old).as_deref(), text(&new).as_deref())?;
            Reply::PassphraseChanged
        }
        of_calls @ (Request::Ring(_)
        | Request::MeasureCalls
        | Request::Rehearse(_)
        | Request::LoadCallDevices
        | Request::ChooseCallDevices(_)) => calls::carry_out(node, of_calls)?,
        of_groups => groups::carry_out(node, of_groups)?,
    })
}

/// Everything that the main window shows.
fn everything(node: &Handle) -> Result<All, NodeError> {
    let rows = node.rows()?;
    let profile = query::profile(&rows)?.ok_or(NodeError::NoAccount)?;
    let overview = node.overview();
    let listen = overview.network.listen.iter();
    let listen = listen.map(|own| kith_node::handle::address_text(own, Some(&profile.device))).collect();
    let (contacts, chats) = (query::contacts(&rows)?, query::chats(&rows)?);
    let groups = query::groups(&rows)?;
    let calling = groups::calling(&rows, &profile.account, &chats)?;
    let filters = query::filters(&rows)?;
    let calls = query::call_settings(&rows)?;
    Ok(All { profile, contacts, chats, groups, filters, calling, overview, listen, calls })
}

/// The number to compare with somebody.
fn safety(node: &Handle, contact: &ContactId) -> Result<Reply, NodeError> {
    let number = node.query(|rows| query::safety_number(rows, contact))?;
    Ok(match number {
        Some(number) => Reply::Safety(*contact, number.to_string()),
        None => Reply::Failed(say!("fail-contact-gone")),
    })
}

/// Writes a message; one that is refused comes back with its text.
fn send(node: &Handle, command: Command) -> Result<Reply, NodeError> {
    let written = match &command {
        Command::SendMessage { chat, text, .. } => Some((*chat, text.clone())),
        Command::SendToGroup { group, text, .. } => Some((ChatId::group(group), text.clone())),
        _ => None,
    };
    match (node.call(command), written) {
        (Ok(answer), _) => Ok(Reply::Done(Box::new(answer))),
        (Err(error), Some((chat, text))) => Ok(Reply::NotSent { chat, text, why: failures::of(&error) }),
        (Err(error), None) => Err(error),
    }
}

/// Writes what is known about the connection into a file, without names.
fn save_report(node: &Handle) -> Result<Reply, NodeError> {
    let known = node.examine()?;
    let (folders, text) = (report_folders(node), doctor::report::report(&known));
    Ok(match save(&folders, &report_name(known.now), &text) {
        Ok(path) => Reply::ReportSaved(path.display().to_string()),
        Err(error) => Reply::Failed(say!("fail-not-written", why = error.to_string())),
    })
}

/// Where a report may go, the place where people look first first.
fn report_folders(node: &Handle) -> Vec<PathBuf> {
    let home = std::env::home_dir();
    let downloads = home.as_ref().map(|home| home.join("Downloads"));
    let folders = [downloads, home, Some(node.config().data.clone())];
    folders.into_iter().flatten().filter(|folder| folder.is_dir()).collect()
}

fn report_name(now: Timestamp) -> String {
    let (year, month, day) = kith_node::time::civil(now.0 / 86_400_000);
    format!("kith-report-{year:04}-{month:02}-{day:02}")
}

/// Writes a text into the first folder that takes it, over nothing that is there.
fn save(folders: &[PathBuf], name: &str, text: &str) -> std::io::Result<PathBuf> {
    let mut failed = std::io::Error::from(std::io::ErrorKind::NotFound);
    for folder in folders {
        for number in 1..=MAX_REPORTS {
            let suffix = if number == 1 { String::new() } else { format!("-{number}") };
            let path = folder.join(format!("{name}{suffix}.txt"));
            match File::create_new(&path).and_then(|mut file| file.write_all(text.as_bytes())) {
                Ok(()) => return Ok(path),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => failed = error,
                Err(error) => {
                    failed = error;
                    break;
                }
            }
        }
    }
    Err(failed)
}

/// The text of the QR code in a picture. Pictures are bounded: a code needs no more than this.
fn read_qr(bytes: &[u8]) -> Option<String> {
    let mut reader = image::ImageReader::new(std::io::Cursor::new(bytes)).with_guessed_format().ok()?;
    let mut limits = image::Limits::default();
    limits.max_image_width = Some(8_192);
    limits.max_image_height = Some(8_192);
    limits.max_alloc = Some(256 << 20);
    reader.limits(limits);
    let picture = reader.decode().ok()?.to_luma8();
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let pixel = |x: usize, y: usize| picture.as_raw().get(y * width + x).copied().unwrap_or(u8::MAX);
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, pixel);
    let texts = prepared.detect_grids().into_iter().filter_map(|grid| grid.decode().ok());
    let is_ours = |text: &String| {
        text.starts_with(kith_proto::invite::INVITE_SCHEME) || kith_node::handle::parse_node(text).is_ok()
    };
    texts.map(|(_, text)| text).find(is_ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_written_over_nothing() {
        let folder = std::env::temp_dir().join(format!("kith-report-test-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let folders = [folder.join("not there"), folder.clone()];
        let first = save(&folders, "kith-report-2026-11-21", "one").unwrap();
        let second = save(&folders, "kith-report-2026-11-21", "two").unwrap();
        assert_eq!(second.file_name().unwrap(), "kith-report-2026-11-21-2.txt");
        assert_eq!(std::fs::read_to_string(first).unwrap(), "one");
        std::fs::remove_dir_all(folder).unwrap();
    }

    /// A node that leaves this machine alone, with Ann's account.
    fn ann(folder: &std::path::Path) -> Handle {
        let mut config = kith_node::NodeConfig::new(folder.to_owned());
        config.listen = vec!["/ip4/127.0.0.1/tcp/0".to_owned()];
        (config.mdns, config.upnp) = (false, false);
        let handle = Handle::start(config).unwrap();
        handle.create_account("Ann", None, None).unwrap();
        handle
    }

    /// Waits for what comes next and is looked for.
    fn next<T>(woken: &Receiver<()>, mut look: impl FnMut() -> Option<T>) -> T {
        loop {
            if let Some(found) = look() {
                return found;
            }
            woken.recv().unwrap();
        }
    }

    #[test]
    fn a_node_that_has_stopped_is_opened_again_on_the_same_folder() {
        let folder = std::env::temp_dir().join(format!("kith-reopen-test-{}", std::process::id()));
        let handle = ann(&folder);
        let (wake, woken) = bounded(QUEUE);
        let mut bridge = Bridge::start(handle.clone(), move |_| _ = wake.try_send(()));
        handle.shut_down();
        next(&woken, || bridge.event().filter(|event| *event == NodeEvent::Closed));
        assert!(bridge.event().is_none(), "the end is told once, or the window would hear of it for ever");
        assert_eq!(bridge.account_state(), AccountState::Stopped);
        // Somebody else has the folder for the moment.
        let other = Handle::start(handle.config().clone()).unwrap();
        bridge.ask(Request::OpenAgain).unwrap();
        let reply = next(&woken, || bridge.reply());
        assert!(matches!(reply, Reply::NotReopened(error) if error.code() == "in_use"));
        other.shut_down();
        bridge.ask(Request::OpenAgain).unwrap();
        let reply = next(&woken, || bridge.reply());
        assert!(matches!(reply, Reply::Reopened(AccountState::Ready)));
        bridge.ask(Request::LoadAll).unwrap();
        let reply = next(&woken, || bridge.reply());
        assert!(matches!(reply, Reply::All(all) if all.profile.name == "Ann"));
        bridge.ask(Request::Command(Command::AllowKnocks { allowed: false })).unwrap();
        let is_told = |event: &NodeEvent| matches!(event, NodeEvent::Engine(event) if matches!(**event, kith_engine::Event::ProfileChanged(_)));
        next(&woken, || bridge.event().filter(is_told));
        bridge.finish();
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_shown_code_is_read_back() {
        is_read_back("kith:AQIDBAUGBwgJCgsMDQ4PEBESExQVFhcYGRobHB0eHyA");
        is_read_back("/ip4/198.51.100.7/tcp/4001/p2p/12D3KooWFBsVJ6DJpspopoHdZoeumtuon5yXFf67j2gLuLgqhyyQ");
    }

    fn is_read_back(link: &str) {
        let code = qrcode::QrCode::new(link).unwrap();
        let (size, scale) = (code.width(), 8);
        let side = (size + 8) * scale;
        let colors = code.to_colors();
        let picture = image::GrayImage::from_fn(side as u32, side as u32, |x, y| {
            let (x, y) = ((x as usize / scale).wrapping_sub(4), (y as usize / scale).wrapping_sub(4));
            let dark = x < size && y < size && colors[y * size + x] == qrcode::Color::Dark;
            image::Luma([if dark { 0 } else { 255 }])
        });
        let mut bytes = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut bytes, image::ImageFormat::Png).unwrap();
        assert_eq!(read_qr(bytes.get_ref()).as_deref(), Some(link));
        assert_eq!(read_qr(b"not a picture"), None);
    }
}
