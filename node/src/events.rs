//! Events for any number of front ends. Each has a bounded queue of its own: a slow one loses events and is told how
//! many, so that it can read everything anew; it never slows down the node or the others.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;
use std::time::Duration;
use std::time::Instant;

use kith_engine::Event;

use crate::helping::HelpView;

/// Events that may wait for one front end; some tens of megabytes at worst.
const QUEUE: usize = 200_000;

/// What a front end hears.
#[derive(Clone, Debug, PartialEq)]
pub enum NodeEvent {
    /// A fact.
    Engine(Box<Event>),
    /// Keeping mail for others began, changed or ended.
    Helping(Box<HelpView>),
    /// So many events were lost: read again what is shown.
    Lagged(u64),
    /// The node failed and has stopped; what it says about it.
    Failed(String),
    /// The node has stopped.
    Closed,
}

/// A front end's own queue.
#[derive(Debug)]
pub struct Events(Arc<Queue>);

#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<NodeEvent>,
    lost: u64,
    closed: bool,
    abandoned: bool,
    waker: Option<Box<dyn Fn() + Send>>,
}

impl std::fmt::Debug for Queue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Queue")
    }
}

impl Queue {
    /// Nothing here can panic between lock and unlock, so a poisoned lock holds a good state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Events {
    /// Waits for the next event.
    pub fn recv(&self) -> NodeEvent {
        let mut state = self.0.lock();
        loop {
            if let Some(event) = state.take() {
                return event;
            }
            state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Waits for the next event for at most so long.
    pub fn recv_timeout(&self, timeout: Duration) -> Option<NodeEvent> {
        let end = Instant::now() + timeout;
        let mut state = self.0.lock();
        loop {
            if let Some(event) = state.take() {
                return Some(event);
            }
            let left = end.checked_duration_since(Instant::now())?;
            state = self.0.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The next event, if one waits.
    pub fn try_recv(&self) -> Option<NodeEvent> {
        self.0.lock().take()
    }

    /// Has `waker` called, from another thread, whenever events came.
    pub fn wake_with(&self, waker: impl Fn() + Send + 'static) {
        self.0.lock().waker = Some(Box::new(waker));
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.abandoned = true;
        state.waiting.clear();
        state.waker = None;
    }
}

impl State {
    fn take(&mut self) -> Option<NodeEvent> {
        if self.lost > 0 {
            return Some(NodeEvent::Lagged(std::mem::take(&mut self.lost)));
        }
        self.waiting.pop_front().or_else(|| self.closed.then_some(NodeEvent::Closed))
    }
}

/// All front ends.
#[derive(Debug, Default)]
pub(crate) struct Hub {
    queues: Mutex<Vec<Arc<Queue>>>,
    end: Mutex<End>,
    ended: Condvar,
    speakers: Mutex<usize>,
    silent: Condvar,
}

/// Somebody who still tells a client what the node said; the end of the program waits a little for them.
#[derive(Debug)]
pub(crate) struct Speaker(Arc<Hub>);

impl Drop for Speaker {
    fn drop(&mut self) {
        *self.0.speakers.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        self.0.silent.notify_all();
    }
}

/// Whether the node has ended, and why.
#[derive(Debug, Default)]
enum End {
    #[default]
    NotYet,
    Stopped,
    Failed(String),
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn subscribe(&self) -> Events {
        let queue = Arc::new(Queue::default());
        self.lock().push(Arc::clone(&queue));
        Events(queue)
    }

    pub(crate) fn publish(&self, events: &[NodeEvent]) {
        if events.is_empty() {
            return;
        }
        self.each(|state| {
            for event in events {
                if state.waiting.len() < QUEUE {
                    state.waiting.push_back(event.clone());
                } else {
                    state.lost += 1;
                }
            }
        });
    }

    /// The node is over.
    pub(crate) fn close(&self) {
        self.each(|state| state.closed = true);
        self.set_end(End::Stopped);
    }

    /// The node is over, and not because it was told to.
    pub(crate) fn fail(&self, reason: &str) {
        self.publish(&[NodeEvent::Failed(reason.to_owned())]);
        self.set_end(End::Failed(reason.to_owned()));
        self.close();
    }

    fn set_end(&self, end: End) {
        let mut state = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if matches!(*state, End::NotYet) {
            *state = end;
        }
        drop(state);
        self.ended.notify_all();
    }

    /// Waits until the node is over. Returns the reason when it failed.
    pub(crate) fn wait_for_end(&self) -> Option<String> {
        let mut state = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*state {
                End::NotYet => {}
                End::Stopped => return None,
                End::Failed(reason) => return Some(reason.clone()),
            }
            state = self.ended.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn speaker(self: &Arc<Self>) -> Speaker {
        *self.speakers.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Speaker(Arc::clone(self))
    }

    /// Waits until all clients were told everything, for at most so long.
    pub(crate) fn wait_for_speakers(&self, timeout: Duration) {
        let speakers = self.speakers.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.silent.wait_timeout_while(speakers, timeout, |count| *count > 0);
    }

    fn each(&self, change: impl Fn(&mut State)) {
        self.lock().retain(|queue| {
            let mut state = queue.lock();
            if state.abandoned {
                return false;
            }
            change(&mut state);
            if let Some(waker) = &state.waker {
                waker();
            }
            drop(state);
            queue.changed.notify_all();
            true
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slow_front_end_is_told_what_it_lost_and_others_are_not_disturbed() {
        let hub = Hub::default();
        let (slow, gone) = (hub.subscribe(), hub.subscribe());
        drop(gone);
        for _ in 0..QUEUE + 3 {
            hub.publish(&[NodeEvent::Failed(String::new())]);
        }
        assert_eq!(slow.try_recv(), Some(NodeEvent::Lagged(3)));
        assert_eq!(slow.try_recv(), Some(NodeEvent::Failed(String::new())));
        hub.close();
        while slow.recv() != NodeEvent::Closed {}
    }

    #[test]
    fn the_end_waits_for_who_still_speaks() {
        let hub = Arc::new(Hub::default());
        let speaker = hub.speaker();
        let told = Arc::new(Mutex::new(false));
        let telling = Arc::clone(&told);
        let thread = std::thread::spawn(move || {
            *telling.lock().expect("nobody panics with it") = true;
            drop(speaker);
        });
        hub.wait_for_speakers(Duration::MAX);
        assert!(*told.lock().expect("nobody panics with it"));
        thread.join().expect("it does not panic");
    }
}
