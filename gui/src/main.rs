//! `kith`: the desktop app.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use clap::ValueEnum;
use eframe::egui;
use kith_gui::app::App;
use kith_gui::bridge::Bridge;
use kith_gui::i18n;
use kith_gui::i18n::Language;
use kith_gui::theme::Choice;
use kith_node::Handle;
use kith_node::NodeConfig;

/// Kith, the messenger without servers.
#[derive(Debug, Parser)]
#[command(name = "kith", version, about)]
struct Args {
    /// The data folder [default: kith in your data folder]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where to listen, like /ip4/0.0.0.0/tcp/0 (repeatable)
    #[arg(long, value_name = "MULTIADDR")]
    listen: Vec<String>,
    /// A community node for this run, /ip4/…/p2p/… (repeatable)
    #[arg(long, value_name = "MULTIADDR")]
    bootstrap: Vec<String>,
    /// Do not look for contacts on the local network
    #[arg(long)]
    no_mdns: bool,
    /// The look for this run [default: as chosen in the settings]
    #[arg(long, value_enum)]
    theme: Option<Theme>,
    /// The language for this run, like de [default: as chosen in the settings, else as the system]
    #[arg(long, value_name = "TAG")]
    language: Option<String>,
    /// What to log to standard error, like kith_engine=debug
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// Take a picture of the window once it has settled, then end
    #[arg(long, value_name = "FILE")]
    screenshot: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Theme {
    System,
    Light,
    Dark,
}

fn main() -> ExitCode {
    let begun = Instant::now();
    let args = Args::parse();
    let filter = tracing_subscriber::EnvFilter::try_new(args.log.as_deref().unwrap_or("warn,libp2p=error"))
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    match run(args, begun) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args, begun: Instant) -> anyhow::Result<()> {
    let mut config = NodeConfig::new(args.data.unwrap_or_else(NodeConfig::default_data));
    config.listen = args.listen;
    config.bootstrap = args.bootstrap;
    config.mdns = !args.no_mdns;
    let handle = Handle::start(config)?;
    let theme = args.theme.map(|theme| match theme {
        Theme::System => Choice::System,
        Theme::Light => Choice::Light,
        Theme::Dark => Choice::Dark,
    });
    let language = args.language.as_deref().and_then(Language::from_tag);
    let viewport = egui::ViewportBuilder::default()
        .with_title("Kith")
        .with_app_id("kith")
        .with_inner_size([1_180.0, 780.0])
        .with_min_inner_size([360.0, 420.0]);
    let options = eframe::NativeOptions { viewport, ..eframe::NativeOptions::default() };
    let screenshot = args.screenshot;
    let started = eframe::run_native(
        "kith",
        options,
        Box::new(move |creation| {
            let ctx = creation.egui_ctx.clone();
            let bridge = Bridge::start(handle, move |within| ctx.request_repaint_after(within));
            let app = App::new(&creation.egui_ctx, bridge, theme, begun, screenshot);
            // After the app's own settings, over which it goes.
            language.into_iter().for_each(i18n::speak);
            Ok(Box::new(app))
        }),
    );
    started.map_err(|error| anyhow::anyhow!("no window could be opened ({error}): is there a display?"))
}
