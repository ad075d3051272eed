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

use crate::error::Failure;
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
    /// The node failed and has stopped. It is never lost, however many events wait.
    Failed(Failure),
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
    /// Why the node ended, until it is told. It has a place of its own: a full queue must not lose it.
    failure: Option<Failure>,
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
        let failure = || self.failure.take().map(NodeEvent::Failed);
        self.waiting.pop_front().or_else(failure).or_else(|| self.closed.then_some(NodeEvent::Closed))
    }

    /// The node is over; nothing else is told after it.
    fn end(&mut self, failure: Option<&Failure>) {
        if !std::mem::replace(&mut self.closed, true) {
            self.failure = failure.cloned();
        }
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
    Failed(Failure),
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Queue>>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn subscribe(&self) -> Events {
        let queue = Arc::new(Queue::default());
        let mut queues = self.lock();
        // Who asks after the end hears of it at once. The end is noted before it is told to the queues, so none is left out.
        match &*self.end.lock().unwrap_or_else(PoisonError::into_inner) {
            End::NotYet => {}
            End::Stopped => queue.lock().end(None),
            End::Failed(failure) => queue.lock().end(Some(failure)),
        }
        queues.push(Arc::clone(&queue));
        drop(queues);
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
        self.set_end(End::Stopped);
        self.each(|state| state.end(None));
    }

    /// The node is over, and not because it was told to.
    pub(crate) fn fail(&self, failure: &Failure) {
        self.set_end(End::Failed(failure.clone()));
        self.each(|state| state.end(Some(failure)));
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
    pub(crate) fn wait_for_end(&self) -> Option<Failure> {
        let mut state = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            match &*state {
                End::NotYet => {}
                End::Stopped => return None,
                End::Failed(failure) => return Some(failure.clone()),
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
    use crate::error::FailureKind;

    fn fact() -> NodeEvent {
        NodeEvent::Helping(Box::default())
    }

    fn full_disk() -> Failure {
        Failure { kind: FailureKind::DiskFull, message: "no room".to_owned() }
    }

    #[test]
    fn a_slow_front_end_is_told_what_it_lost_and_others_are_not_disturbed() {
        let hub = Hub::default();
        let (slow, gone) = (hub.subscribe(), hub.subscribe());
        drop(gone);
        for _ in 0..QUEUE + 3 {
            hub.publish(&[fact()]);
        }
        assert_eq!(slow.try_recv(), Some(NodeEvent::Lagged(3)));
        assert_eq!(slow.try_recv(), Some(fact()));
        hub.close();
        while slow.recv() != NodeEvent::Closed {}
    }

    #[test]
    fn why_the_node_ended_is_told_last_even_to_who_has_a_full_queue() {
        let hub = Hub::default();
        let slow = hub.subscribe();
        for _ in 0..QUEUE + 3 {
            hub.publish(&[fact()]);
        }
        hub.fail(&full_disk());
        hub.close();
        assert_eq!(slow.recv(), NodeEvent::Lagged(3), "facts are lost, the end is none of them");
        for _ in 0..QUEUE {
            assert_eq!(slow.recv(), fact());
        }
        assert_eq!(slow.recv(), NodeEvent::Failed(full_disk()));
        assert_eq!(slow.recv(), NodeEvent::Closed, "and why is told once");
        assert_eq!(hub.wait_for_end(), Some(full_disk()));
    }

    #[test]
    fn who_comes_after_the_end_hears_of_it() {
        let (failed, stopped) = (Hub::default(), Hub::default());
        failed.fail(&full_disk());
        stopped.close();
        let late = failed.subscribe();
        assert_eq!(late.try_recv(), Some(NodeEvent::Failed(full_disk())));
        assert_eq!(late.try_recv(), Some(NodeEvent::Closed));
        assert_eq!(stopped.subscribe().try_recv(), Some(NodeEvent::Closed));
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
