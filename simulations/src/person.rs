//! A simulated person: the real engine on a simulated disk, driven by the law of a step.

use kith_engine::Command;
use kith_engine::Config;
use kith_engine::Effect;
use kith_engine::Engine;
use kith_engine::Event;
use kith_engine::Input;
use kith_engine::Output;
use kith_engine::account;
use kith_engine::query;
use kith_engine::view::ContactState;
use kith_proto::id::AccountId;
use kith_proto::id::CommandId;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;

use crate::action::Phase;
use crate::disk::Disk;

/// Somebody with a computer.
pub struct Person {
    /// The account.
    pub account: AccountId,
    /// The device.
    pub device: DeviceId,
    /// What survives.
    pub disk: Disk,
    /// A copy of the disk.
    pub backup: Option<Disk>,
    /// The engine, while the computer runs.
    pub engine: Option<Engine>,
    /// Inputs that wait for the next step.
    pub inbox: Vec<Input>,
    /// Until when the disk is busy.
    pub busy_until: Timestamp,
    /// Whether a step is scheduled.
    pub scheduled: bool,
    /// Which wake-up is scheduled.
    pub wake_at: Option<Timestamp>,
    /// In which phase the next step stops.
    pub crash: Option<Phase>,
    /// At which place the person is.
    pub place: u64,
    /// Messages written by this person so far.
    pub written: u64,
    /// Times that an old disk was put back.
    pub restores: u64,
    /// When that was last.
    pub restored_at: Timestamp,
    next_command: u64,
}

/// What a step did.
#[derive(Default)]
pub struct Done {
    /// What to do on the network.
    pub effects: Vec<Effect>,
    /// What was shown.
    pub events: Vec<Event>,
    /// Whether the computer stopped.
    pub crashed: bool,
}

impl Person {
    /// A new person with an account.
    pub fn new(name: &str, entropy: [u8; 32], now: Timestamp) -> Self {
        let made = account::create(entropy, name, None, now).expect("a simulated name is a name");
        let mut disk = Disk::default();
        disk.commit(made.writes);
        Self {
            account: made.account,
            device: made.device,
            disk,
            backup: None,
            engine: None,
            inbox: Vec::new(),
            busy_until: now,
            scheduled: false,
            wake_at: None,
            crash: None,
            place: 0,
            written: 0,
            restores: 0,
            restored_at: Timestamp(0),
            next_command: 1,
        }
    }

    /// Switches the computer on. Returns the effects of starting.
    pub fn start(&mut self, entropy: [u8; 32], now: Timestamp) -> Vec<Effect> {
        let (engine, mut out) = Engine::restore(&self.disk, now, entropy, Config::default())
            .expect("what was committed can be restored");
        self.disk.commit(out.take_writes());
        self.engine = Some(engine);
        self.inbox.clear();
        self.crash = None;
        for contact in query::contacts(&self.disk).expect("contacts can be read") {
            if contact.state == ContactState::Incoming {
                self.command(Command::AcceptContact { contact: contact.contact });
            }
        }
        std::mem::take(&mut out.effects)
    }

    /// Puts a wish into the inbox.
    pub fn command(&mut self, command: Command) -> CommandId {
        let id = CommandId(self.next_command);
        self.next_command += 1;
        self.inbox.push(Input::Command { id, command });
        id
    }

    /// One step: everything that waits, a wake-up if it is due, one commit, effects, events.
    pub fn step(&mut self, now: Timestamp, trace: &mut impl FnMut(&Input)) -> Done {
        let Some(engine) = self.engine.as_mut() else {
            self.inbox.clear();
            return Done::default();
        };
        let mut out = Output::new();
        for input in self.inbox.drain(..) {
            trace(&input);
            engine.handle(now, input, &self.disk, &mut out);
        }
        if engine.next_wake().is_some_and(|at| at <= now) {
            trace(&Input::Wake);
            engine.handle(now, Input::Wake, &self.disk, &mut out);
        }
        let crash = self.crash.take();
        if crash == Some(Phase::BeforeCommit) {
            self.disk.crash();
            return Done { crashed: true, ..Done::default() };
        }
        // Here nothing is safe before it must be: a real disk gets it a moment later.
        let may_be_undone = out.may_be_undone();
        let writes = out.take_writes();
        match (may_be_undone, writes.is_empty() && out.effects.is_empty()) {
            (_, true) => {}
            (true, false) => self.disk.commit_soon(writes),
            (false, false) => self.disk.commit(writes),
        }
        if crash.is_some() {
            self.disk.crash();
        }
        let effects =
            if crash == Some(Phase::BeforeEffects) { Vec::new() } else { std::mem::take(&mut out.effects) };
        let events = if crash.is_some() { Vec::new() } else { out.take_events() };
        Done { effects, events, crashed: crash.is_some() }
    }
}
