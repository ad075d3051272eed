//! What the interface costs a frame without the painting: laying out, input, tessellating. A chat of 100,000 messages
//! is scrolled from its end to its beginning, page by page; then a thousand more arrive. `make bench` prints it.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run stops")]

use std::time::Duration;
use std::time::Instant;

use eframe::egui;
use eframe::egui::RawInput;
use eframe::egui::Rect;
use eframe::egui::pos2;
use eframe::egui::vec2;
use kith_engine::Event;
use kith_engine::view::ChatView;
use kith_engine::view::ChatWith;
use kith_engine::view::ContactState;
use kith_engine::view::ContactView;
use kith_engine::view::MessageKind;
use kith_engine::view::MessageState;
use kith_engine::view::MessageView;
use kith_gui::action::Action;
use kith_gui::action::Request;
use kith_gui::bridge::PAGE;
use kith_gui::bridge::Reply;
use kith_gui::model::Model;
use kith_gui::model::Screen;
use kith_gui::model::dates::Now;
use kith_gui::theme::Tokens;
use kith_gui::theme::fonts;
use kith_gui::view;
use kith_proto::id::AccountId;
use kith_proto::id::ChatId;
use kith_proto::id::MessageId;
use kith_proto::time::Timestamp;

const NOW: Now = Now { time: Timestamp(1_795_262_400_000), offset_minutes: 0 };
const MESSAGES: u64 = 100_000;
const ME: AccountId = AccountId([1; 32]);
const FRIEND: AccountId = AccountId([10; 32]);

/// Points a frame: a fast flick.
const STEP: f32 = 240.0;

const TEXTS: [&str; 8] = [
    "Yes",
    "Hey! Did the new build arrive? I tried it on the old laptop and it starts at once.",
    "שלום! מה שלומך?",
    "Great 🎉",
    "Notes are at https://example.org/notes if you want to read ahead.\nSecond line, and a third one\nhere.",
    "مرحبا، هل وصلتك الرسالة؟",
    "我们六点见，好吗？",
    "A longer one, which goes on for a while because somebody had a lot to tell about a journey by train through three \
     countries, with a change in the night, a cancelled connection, a very good soup, and a book that ended too soon.",
];

fn message(index: u64) -> MessageView {
    let mut name = [0; 16];
    name.split_first_chunk_mut::<8>().unwrap().0.copy_from_slice(&index.to_be_bytes());
    let outgoing = (index / 3).is_multiple_of(2);
    let time = Timestamp(NOW.time.0 - (MESSAGES + 2_000 - index) * 97_000);
    MessageView {
        message: MessageId(name),
        chat: ChatId::direct(&ME, &FRIEND),
        index,
        sender: if outgoing { ME } else { FRIEND },
        outgoing,
        kind: MessageKind::Text,
        text: (*TEXTS.get(usize::try_from(index % 8).unwrap()).unwrap()).to_owned(),
        reply_to: None,
        mentions: Vec::new(),
        mentions_all: false,
        sent_at: time,
        stored_at: time,
        state: MessageState::Read,
        expires_at: None,
        receipts: None,
        copies: None,
    }
}

fn model() -> Model {
    let chat = ChatId::direct(&ME, &FRIEND);
    let mut model = Model::new();
    model.screen = Screen::Main;
    model.event(Event::ContactChanged(ContactView {
        contact: FRIEND,
        chat,
        name: "Mira Okafor".to_owned(),
        status: String::new(),
        greeting: String::new(),
        state: ContactState::Accepted,
        verified: true,
        stranger: false,
        by_address: false,
        refused: false,
        mailboxes: 0,
        online: true,
        since: NOW.time,
    }));
    model.event(Event::ChatChanged(ChatView {
        chat,
        with: ChatWith::Contact(FRIEND),
        name: "Mira Okafor".to_owned(),
        unread: 0,
        last: None,
        active_at: NOW.time,
        draft: String::new(),
    }));
    model
}

struct Bench {
    ctx: egui::Context,
    model: Model,
    tokens: Tokens,
    time: f64,
    took: Vec<Duration>,
}

impl Bench {
    fn answer(&mut self, requests: Vec<Request>) {
        for request in requests {
            if let Request::LoadPage { chat, before } = request {
                let last = before.unwrap_or(MESSAGES + 1) - 1;
                let first = last.saturating_sub(PAGE as u64 - 1).max(1);
                let messages = (first..=last).map(message).collect();
                // Taking the page is part of the frame in which it comes.
                let begin = Instant::now();
                let more = self.model.reply(Reply::Page { chat, before, messages });
                *self.took.last_mut().unwrap() += begin.elapsed();
                self.answer(more);
            }
        }
    }

    fn frame(&mut self, events: Vec<egui::Event>) {
        self.time += 1.0 / 60.0;
        let screen_rect = Some(Rect::from_min_size(pos2(0.0, 0.0), vec2(1_280.0, 800.0)));
        let input = RawInput { screen_rect, events, time: Some(self.time), ..RawInput::default() };
        let begin = Instant::now();
        let mut actions = Vec::new();
        let output = self.ctx.clone().run_ui(input, |ui| {
            actions = view::show(ui, &mut self.model, &self.tokens, NOW);
        });
        let shapes = self.ctx.tessellate(output.shapes, output.pixels_per_point);
        self.took.push(begin.elapsed());
        drop(shapes);
        let requests = actions.into_iter().flat_map(|action| self.model.act(action)).collect();
        self.answer(requests);
    }

    fn report(&mut self, what: &str) {
        let mut took = std::mem::take(&mut self.took);
        took.sort();
        let at = |part: usize| took.get(took.len() * part / 1_000).copied().unwrap();
        println!(
            "{what}: {} frames, p50 {:.2?}, p99 {:.2?}, p99.9 {:.2?}, longest {:.2?} (goal p99 2 ms)",
            took.len(),
            at(500),
            at(990),
            at(999),
            took.last().unwrap()
        );
    }
}

fn main() {
    let ctx = egui::Context::default();
    ctx.set_fonts(fonts::definitions());
    let tokens = Tokens::light();
    tokens.apply(&ctx);
    let mut bench = Bench { ctx, model: model(), tokens, time: 0.0, took: Vec::new() };
    let chat = ChatId::direct(&ME, &FRIEND);
    bench.frame(Vec::new());
    let requests = bench.model.act(Action::OpenChat(chat));
    bench.answer(requests);
    for _ in 0..30 {
        bench.frame(Vec::new());
    }
    println!("the first frame, fonts included: {:.2?}", bench.took.first().unwrap());
    bench.took.clear();

    let pointer = egui::Event::PointerMoved(pos2(800.0, 400.0));
    let wheel = |points: f32| egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Point,
        delta: vec2(0.0, points),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Trackpad,
        modifiers: egui::Modifiers::NONE,
    };
    while bench.model.timeline.as_ref().is_some_and(|open| !open.list.at_top() || !open.is_complete()) {
        bench.frame(vec![pointer.clone(), wheel(STEP)]);
    }
    let loaded = bench.model.timeline.as_ref().unwrap().len();
    bench.report(&format!("scrolling through {loaded} messages"));
    for _ in 0..5_000 {
        bench.frame(vec![pointer.clone(), wheel(-STEP)]);
    }
    bench.report("scrolling back through what is loaded");
    bench.model.timeline.as_mut().unwrap().follow();
    for index in MESSAGES + 1..MESSAGES + 1_001 {
        bench.model.event(Event::MessageReceived(message(index)));
        bench.frame(Vec::new());
    }
    bench.report("a message arrives in each frame, everything loaded");
}
