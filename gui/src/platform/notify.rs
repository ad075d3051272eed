//! Notifications of the system: one for each chat, which the next one replaces; a click opens the chat.
//!
//! ```text
//!  model ─▶ Notice ─▶ thread ─▶ notification service ─ clicked ─▶ chat ─▶ App
//!                                └ none there: told once in the log, and no more is sent
//! ```
//!
//! Not here: of what the person is told, and how much (`model::notices`). Nothing of this runs in tests.

use std::collections::BTreeMap;
use std::thread;

use crossbeam_channel::Receiver;
use crossbeam_channel::Sender;
use crossbeam_channel::bounded;
use kith_proto::id::ChatId;
use notify_rust::Notification;

use crate::model::notices::Notice;

/// Notices that may wait; more at once are more than anybody reads.
const QUEUE: usize = 64;

/// After so many failures in a row nothing is sent any more: nobody listens.
const MOST_FAILURES: u32 = 3;

/// Clicks are waited for by a thread each, and at most by so many.
const MOST_WAITING: usize = 16;

/// Tells the person through the system.
pub struct Notifier {
    notices: Sender<Notice>,
    clicked: Receiver<ChatId>,
}

impl Notifier {
    /// Starts the thread. `wake` is called from other threads when something was clicked.
    pub fn start(wake: impl Fn() + Send + Sync + Clone + 'static) -> Self {
        let (notices, incoming) = bounded(QUEUE);
        let (clicks, clicked) = bounded(QUEUE);
        thread::spawn(move || tell(&incoming, &clicks, &wake));
        Self { notices, clicked }
    }

    /// Tells of something, unless too much waits.
    pub fn tell(&self, notice: Notice) {
        if self.notices.try_send(notice).is_err() {
            tracing::debug!("a notification was left out: too many wait");
        }
    }

    /// A chat whose notification was clicked.
    pub fn clicked(&self) -> Option<ChatId> {
        self.clicked.try_recv().ok()
    }
}

fn tell(incoming: &Receiver<Notice>, clicks: &Sender<ChatId>, wake: &(impl Fn() + Send + Clone + 'static)) {
    let mut shown: BTreeMap<ChatId, u32> = BTreeMap::new();
    let mut failures = 0;
    // One that waits takes a place and gives it back by ending.
    let (places, free) = bounded::<()>(MOST_WAITING);
    for notice in incoming {
        if failures >= MOST_FAILURES {
            continue;
        }
        let mut notification = Notification::new();
        notification.appname("Kith").summary(&notice.title).body(&body(&notice.body));
        notification.icon("kith");
        if let Some(id) = shown.get(&notice.chat) {
            notification.id(*id);
        }
        marks(&mut notification);
        match notification.show() {
            Ok(handle) => {
                failures = 0;
                #[cfg(all(unix, not(target_os = "macos")))]
                shown.insert(notice.chat, handle.id());
                #[cfg(not(all(unix, not(target_os = "macos"))))]
                shown.insert(notice.chat, 0);
                if places.try_send(()).is_ok() {
                    let (clicks, wake, free, chat) =
                        (clicks.clone(), wake.clone(), free.clone(), notice.chat);
                    thread::spawn(move || {
                        if was_clicked(handle) && clicks.try_send(chat).is_ok() {
                            wake();
                        }
                        let _ = free.try_recv();
                    });
                }
            }
            Err(error) => {
                failures += 1;
                tracing::info!(%error, "the system shows no notifications");
            }
        }
    }
}

/// What makes it a message, and lets it be clicked.
#[cfg(all(unix, not(target_os = "macos")))]
fn marks(notification: &mut Notification) {
    use notify_rust::Hint;
    notification.action("default", "default");
    notification.hint(Hint::Category("im.received".to_owned()));
    notification.hint(Hint::DesktopEntry("kith".to_owned()));
    notification.timeout(notify_rust::Timeout::Milliseconds(10_000));
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn marks(_: &mut Notification) {}

/// Waits until it is clicked or gone.
#[cfg(all(unix, not(target_os = "macos")))]
fn was_clicked(handle: notify_rust::NotificationHandle) -> bool {
    let mut clicked = false;
    handle.wait_for_action(|action| clicked = action == "default");
    clicked
}

#[cfg(not(all(unix, not(target_os = "macos"))))]
fn was_clicked<H>(_: H) -> bool {
    false
}

/// The text as services take it: those of freedesktop may read marks in it.
fn body(text: &str) -> String {
    if cfg!(all(unix, not(target_os = "macos"))) {
        text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
    } else {
        text.to_owned()
    }
}
