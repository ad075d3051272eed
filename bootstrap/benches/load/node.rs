//! The program under load, and what the system says of it.

use std::io::BufRead as _;
use std::io::BufReader;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;

use ed25519_dalek::SigningKey;
use kith_proto::id::ReaderId;
use kith_proto::mailbox::Answer;

use crate::asker::Asker;
use crate::asker::Inbox;

/// Who reads the inboxes.
pub(crate) const READER: ReaderId = ReaderId([1; 16]);

/// Everything is allowed from this machine; what is measured is the cost, not the limits.
const SETTINGS: &str = "\
listen = [\"/ip4/127.0.0.1/tcp/0\"]\n\
log = \"warn,libp2p=error\"\n\
http.listen = \"off\"\n\
limits.this_machine = 20000\n\
limits.connections = 20000\n\
limits.per_device = 64\n\
[mailbox]\n\
capacity_bytes = 100000000000\n\
inbox_bytes = 1000000000\n\
openings_per_hour = 1000000\n";

pub(crate) struct Node {
    process: Child,
    pub(crate) address: String,
}

impl Node {
    pub(crate) fn start(folder: &Path) -> Self {
        let file = folder.join("kith-bootstrap.toml");
        std::fs::write(&file, SETTINGS).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_kith-bootstrap"));
        command.arg("--data").arg(folder.join("data")).arg("--config").arg(&file);
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        Self { process, address: line.strip_prefix("address: ").unwrap().to_owned() }
    }

    fn read(&self, what: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{what}", self.process.id())).unwrap()
    }

    /// Memory in use, in KiB.
    pub(crate) fn resident_kib(&self) -> u64 {
        let status = self.read("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix("kB").unwrap().trim().parse().unwrap()
    }

    /// Files that are open.
    pub(crate) fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap().count()
    }

    /// Processor time used so far. Linux counts it in hundredths of a second.
    pub(crate) fn processor(&self) -> Duration {
        let stat = self.read("stat");
        let after_name = stat.rsplit(')').next().unwrap();
        let ticks = after_name.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// One of many inboxes, each with keys and queues of its own.
pub(crate) fn inbox(number: u32) -> Inbox {
    let key = |of: u8| {
        let mut bytes = [of; 32];
        bytes.iter_mut().skip(1).zip(number.to_le_bytes()).for_each(|(to, from)| *to = from);
        SigningKey::from_bytes(&bytes)
    };
    Inbox { owner: key(1), writer: key(2) }
}

/// Opens inboxes.
pub(crate) async fn register(asker: &mut Asker, numbers: std::ops::Range<u32>, queues: u8) {
    for number in numbers {
        let answer = asker.register(&inbox(number), &[READER], queues).await;
        assert!(matches!(answer, Answer::Registered { .. }), "inbox {number}: {answer:?}");
    }
}

/// Bytes that the files of a folder take.
pub(crate) fn bytes_in(folder: &Path) -> u64 {
    std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum()
}
