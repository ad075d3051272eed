//! A stranger who sends any frames: the engine neither panics nor keeps anything, and asks for no more than it is sent.
#![no_main]

use kith_engine::Config;
use kith_engine::Engine;
use kith_engine::Input;
use kith_engine::Output;
use kith_engine::account;
use kith_engine::input::NetInput;
use kith_proto::codec::Decode as _;
use kith_proto::frame::Frame;
use kith_proto::id::DeviceId;
use kith_proto::time::Timestamp;
use kith_simulations::disk::Disk;
use libfuzzer_sys::fuzz_target;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fuzz_target!(|data: &[u8]| {
    let made = account::create([1; 32], "Ann", None, NOW).unwrap();
    let mut disk = Disk::default();
    disk.commit(made.writes);
    let (mut engine, mut out) = Engine::restore(&disk, NOW, [2; 32], Config::default()).unwrap();
    disk.commit(out.take_writes());
    let (device, before) = (DeviceId([3; 32]), disk.size());
    let mut frames = 0;
    let mut give = |input, disk: &mut Disk| {
        let mut out = Output::new();
        engine.handle(NOW, Input::Net(input), disk, &mut out);
        engine.handle(NOW, Input::Wake, disk, &mut out);
        disk.commit(out.take_writes());
        out.effects.len()
    };
    give(NetInput::Connected { device, dialled: None }, &mut disk);
    let mut rest = data;
    while let Some((length, more)) = rest.split_first_chunk::<2>() {
        let (bytes, more) = more.split_at(usize::from(u16::from_le_bytes(*length)).min(more.len()));
        rest = more;
        if let Ok(frame) = Frame::from_bytes(bytes) {
            frames += 1;
            assert!(give(NetInput::Frame { device, frame }, &mut disk) <= 4);
        }
    }
    assert!(disk.size() < before + 256, "{frames} frames of a stranger left {} bytes", disk.size() - before);
});
