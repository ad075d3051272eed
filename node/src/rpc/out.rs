//! What is on its way to one client: answers, which are never dropped, and events, which are when it does not read.

use std::collections::VecDeque;
use std::io::BufWriter;
use std::io::Write;
use std::sync::Condvar;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use serde_json::Value;
use serde_json::json;

/// Bytes that may wait for a slow client; beyond it events are dropped and counted, and its next request waits.
const MAX_WAITING: usize = 64 << 20;

/// Requests of one client that may be under way; beyond it its next line waits.
const MAX_UNDER_WAY: usize = 100_000;

/// Lines on their way to the client.
#[derive(Default)]
pub(crate) struct Out {
    state: Mutex<OutState>,
    changed: Condvar,
}

#[derive(Default)]
struct OutState {
    lines: VecDeque<String>,
    bytes: usize,
    under_way: usize,
    lost: u64,
    writing: bool,
    finished: bool,
    /// Nobody writes any more.
    broken: bool,
}

impl Out {
    fn lock(&self) -> MutexGuard<'_, OutState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn push(&self, line: String) {
        let mut state = self.lock();
        if state.broken {
            return;
        }
        state.bytes += line.len();
        state.lines.push_back(line);
        drop(state);
        self.changed.notify_all();
    }

    /// A line that may be dropped when the client is slow. Returns whether it was not.
    pub(crate) fn push_event(&self, line: String) -> bool {
        let mut state = self.lock();
        if state.bytes + line.len() > MAX_WAITING {
            state.lost += 1;
            return false;
        }
        if state.lost > 0 {
            let lost = json!({ "type": "events.lost", "count": std::mem::take(&mut state.lost) });
            state.lines.push_back(event_line(&lost));
        }
        drop(state);
        self.push(line);
        true
    }

    /// Waits until a client that does not read what it asked for has read some of it.
    pub(crate) fn wait_for_room(&self) {
        let mut state = self.lock();
        while state.bytes > MAX_WAITING && !state.broken {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn begin(&self) {
        let mut state = self.lock();
        while state.under_way >= MAX_UNDER_WAY && !state.broken {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.under_way += 1;
    }

    pub(crate) fn end(&self) {
        // A client that went away took the count with it.
        let mut state = self.lock();
        state.under_way = state.under_way.saturating_sub(1);
        drop(state);
        self.changed.notify_all();
    }

    /// Waits until every answer that is under way and every event is with the client, or it is gone.
    pub(crate) fn wait_until_written(&self) {
        let state = self.lock();
        let waits = |state: &mut OutState| {
            !state.broken && (state.under_way > 0 || state.writing || !state.lines.is_empty())
        };
        drop(self.changed.wait_while(state, waits));
    }

    /// Nothing more is asked; answers under way are still written.
    pub(crate) fn finish(&self) {
        self.lock().finished = true;
        self.changed.notify_all();
    }

    pub(crate) fn is_closed(&self) -> bool {
        let state = self.lock();
        state.finished || state.broken
    }
}

/// Writes until nothing more comes and everything is answered, or the client is gone.
pub(crate) fn write_lines(out: &Out, output: impl Write) {
    let mut output = BufWriter::with_capacity(1 << 16, output);
    loop {
        let mut state = out.lock();
        while state.lines.is_empty() {
            if state.finished && state.under_way == 0 {
                // What comes now is for nobody.
                state.broken = true;
                drop(state);
                out.changed.notify_all();
                return;
            }
            state = out.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let lines = std::mem::take(&mut state.lines);
        state.bytes = 0;
        state.writing = true;
        drop(state);
        out.changed.notify_all();
        let written = lines.iter().try_for_each(|line| output.write_all(line.as_bytes()));
        let written = written.and_then(|()| output.flush());
        let mut state = out.lock();
        state.writing = false;
        if written.is_err() {
            state.broken = true;
            state.finished = true;
            state.under_way = 0;
        }
        drop(state);
        out.changed.notify_all();
        if written.is_err() {
            return;
        }
    }
}

/// The line of an event.
pub(crate) fn event_line(body: &Value) -> String {
    let mut line = json!({ "jsonrpc": "2.0", "method": "event", "params": body }).to_string();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    /// What a client has read.
    #[derive(Clone, Default)]
    struct Read(Arc<Mutex<Vec<u8>>>);

    impl Write for Read {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_under_way_is_written_before_the_end() {
        let (out, read) = (Arc::new(Out::default()), Read::default());
        let writer = thread::spawn({
            let (out, read) = (Arc::clone(&out), read.clone());
            move || write_lines(&out, read)
        });
        out.begin();
        thread::spawn({
            let out = Arc::clone(&out);
            move || {
                out.push("answer\n".to_owned());
                out.end();
            }
        });
        out.wait_until_written();
        assert_eq!(*read.0.lock().unwrap_or_else(PoisonError::into_inner), b"answer\n");
        out.finish();
        writer.join().expect("it does not panic");
        // The client is gone: nobody waits for what comes now.
        out.push_event("event\n".to_owned());
        out.wait_until_written();
    }
}
