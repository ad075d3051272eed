//! The long-running ways: `rpc` on standard input and output, `run` as a daemon with a socket. Both stop cleanly on
//! the signals that ask for it.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context as _;
use anyhow::Result;
use crossbeam_channel::Sender;
use crossbeam_channel::bounded;
use kith_node::AccountState;
use kith_node::Failure;
use kith_node::Handle;
use kith_node::NodeConfig;

use crate::cli;
use crate::cli::args::Common;
use crate::cli::style;

/// Serves standard input and output until the input ends or a signal comes.
pub(crate) fn rpc(common: &Common, passphrase: Option<&str>) -> Result<()> {
    let handle = start(cli::config(common), passphrase)?;
    let (stop, stopped) = bounded(4);
    on_signal(stop.clone())?;
    on_end(&handle, stop.clone())?;
    let (serving, ends) = (handle.clone(), stop.clone());
    std::thread::spawn(move || {
        let served = kith_node::rpc::serve(&serving, std::io::stdin(), std::io::stdout(), move || {
            let _ = ends.send(None);
        });
        if let Err(error) = served {
            tracing::warn!(%error, "standard input or output failed");
        }
        let _ = stop.send(None);
    });
    let failure = stopped.recv().ok().flatten();
    handle.shut_down();
    result(failure)
}

/// Stays online and serves the socket, and a WebSocket where wanted, until a signal comes or a client asks to stop.
pub(crate) fn run(common: &Common, websocket: Option<SocketAddr>, passphrase: Option<&str>) -> Result<()> {
    let config = cli::config(common);
    let data = config.data.clone();
    let handle = start(config, passphrase)?;
    let (stop, stopped) = bounded(4);
    on_signal(stop.clone())?;
    on_end(&handle, stop.clone())?;
    let ask: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
        let _ = stop.send(None);
    });
    let token = data.join("rpc.token");
    if let Some(address) = websocket {
        let served = kith_node::rpc::listen_websocket(&handle, address, &token, Arc::clone(&ask));
        let address = served.with_context(|| format!("serving ws://{address} failed"))?;
        println!("{} ws://{address}/ {}", style::good("serving"), style::faint(&token.display().to_string()));
    }
    #[cfg(unix)]
    {
        let path = data.join("rpc.sock");
        kith_node::rpc::listen(&handle, &path, ask)
            .with_context(|| format!("making {} failed", path.display()))?;
        println!("{} {}", style::good("serving"), path.display());
    }
    let failure = stopped.recv().ok().flatten();
    println!("{}", style::faint("stopping…"));
    handle.shut_down();
    #[cfg(unix)]
    let _ = std::fs::remove_file(data.join("rpc.sock"));
    let _ = std::fs::remove_file(token);
    result(failure)
}

/// A node that ended by itself is a failure of the program: whoever watches over it should start it again.
fn result(failure: Option<Failure>) -> Result<()> {
    failure.map_or(Ok(()), |failure| Err(anyhow::anyhow!("{}", failure.message)))
}

fn start(config: NodeConfig, passphrase: Option<&str>) -> Result<Handle> {
    let handle = Handle::start(config)?;
    if handle.account_state() == AccountState::Locked {
        match passphrase {
            Some(passphrase) => handle.unlock(Some(passphrase))?,
            None => {
                eprintln!("{}", style::warn("locked: a client has to unlock it, or use --passphrase-file"));
            }
        }
    }
    Ok(handle)
}

/// Sends what the node says when it ends by itself.
fn on_end(handle: &Handle, stop: Sender<Option<Failure>>) -> Result<()> {
    let handle = handle.clone();
    std::thread::Builder::new().name("end".to_owned()).spawn(move || {
        let _ = stop.send(handle.wait_for_end());
    })?;
    Ok(())
}

/// Sends a word when the system or the person asks the program to stop.
fn on_signal(stop: Sender<Option<Failure>>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        runtime.block_on(wait_for_signal());
        let _ = stop.send(None);
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
