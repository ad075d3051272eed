//! What the system tells this process: to stop, or to read its settings again.

use anyhow::Result;

#[cfg(unix)]
pub(crate) use self::unix::Signals;

#[cfg(not(unix))]
pub(crate) use self::other::Signals;

/// What was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    Stop,
    Reload,
}

#[cfg(unix)]
mod unix {
    use tokio::signal::unix::Signal;
    use tokio::signal::unix::SignalKind;
    use tokio::signal::unix::signal;

    use super::Result;
    use super::Told;

    /// The signals that are listened to.
    pub(crate) struct Signals {
        terminate: Signal,
        interrupt: Signal,
        hang_up: Signal,
    }

    impl Signals {
        /// Listens from now on. Before, each of them would end the process.
        ///
        /// # Errors
        /// When the system does not let it.
        pub(crate) fn listen() -> Result<Self> {
            Ok(Self {
                terminate: signal(SignalKind::terminate())?,
                interrupt: signal(SignalKind::interrupt())?,
                hang_up: signal(SignalKind::hangup())?,
            })
        }

        /// The next one.
        pub(crate) async fn next(&mut self) -> Told {
            tokio::select! {
                _ = self.terminate.recv() => Told::Stop,
                _ = self.interrupt.recv() => Told::Stop,
                _ = self.hang_up.recv() => Told::Reload,
            }
        }
    }
}

#[cfg(not(unix))]
mod other {
    use super::Result;
    use super::Told;

    /// The signals that are listened to.
    pub(crate) struct Signals;

    impl Signals {
        /// Listens from now on.
        ///
        /// # Errors
        /// Never.
        pub(crate) fn listen() -> Result<Self> {
            Ok(Self)
        }

        /// The next one.
        pub(crate) async fn next(&mut self) -> Told {
            if tokio::signal::ctrl_c().await.is_err() {
                std::future::pending::<()>().await;
            }
            Told::Stop
        }
    }
}
