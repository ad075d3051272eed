//! The long-running ways: `rpc` on standard input and output, `run` as a daemon with a socket. Both stop cleanly on
//! the signals that ask for it.

use std::sync::Arc;

use anyhow::Context as _;
use anyhow::Result;
use crossbeam_channel::Sender;
use crossbeam_channel::bounded;
use kith_node::Handle;
use kith_node::NodeConfig;

use crate::cli;
use crate::cli::args::Common;
use crate::cli::style;

/// Serves standard input and output until the input ends or a signal comes.
pub(crate) fn rpc(common: &Common) -> Result<()> {
    let handle = start(cli::config(common))?;
    let (stop, stopped) = bounded(4);
    on_signal(stop.clone())?;
    let serving = handle.clone();
    std::thread::spawn(move || {
        let served = kith_node::rpc::serve(&serving, std::io::stdin(), std::io::stdout());
        if let Err(error) = served {
            tracing::warn!(%error, "standard input or output failed");
        }
        let _ = stop.send(());
    });
    let _ = stopped.recv();
    handle.shut_down();
    Ok(())
}

/// Stays online and serves the socket until a signal comes or a client asks to stop.
pub(crate) fn run(common: &Common) -> Result<()> {
    let config = cli::config(common);
    let data = config.data.clone();
    let handle = start(config)?;
    let (stop, stopped) = bounded(4);
    on_signal(stop.clone())?;
    #[cfg(unix)]
    {
        let path = data.join("rpc.sock");
        let ask = Arc::new(move || {
            let _ = stop.send(());
        });
        kith_node::rpc::listen(&handle, &path, ask)
            .with_context(|| format!("making {} failed", path.display()))?;
        println!("{} {}", style::good("serving"), path.display());
    }
    let _ = stopped.recv();
    println!("{}", style::faint("stopping…"));
    handle.shut_down();
    #[cfg(unix)]
    let _ = std::fs::remove_file(data.join("rpc.sock"));
    Ok(())
}

fn start(config: NodeConfig) -> Result<Handle> {
    Ok(Handle::start(config)?)
}

/// Sends a word when the system or the person asks the program to stop.
fn on_signal(stop: Sender<()>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(wait_for_signal());
        let _ = stop.send(());
    })?;
    Ok(())
}

#[cfg(unix)]
async fn wait_for_signal() {
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;
    let (Ok(mut term), Ok(mut int), Ok(mut hup)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()), signal(SignalKind::hangup()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
        _ = hup.recv() => {}
    }
}

#[cfg(not(unix))]
async fn wait_for_signal() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}
