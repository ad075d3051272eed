//! The counters.

/// What was done and refused since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Relayed addresses that are open.
    pub open: usize,
    /// Credentials given out.
    pub issued: u64,
    /// Credentials not given out, because a network asks too fast.
    pub not_issued: u64,
    /// Addresses told to who asked for theirs (STUN).
    pub bindings: u64,
    /// Relayed addresses opened.
    pub allocated: u64,
    /// Requests with credentials that are wrong or over.
    pub bad_credentials: u64,
    /// Relayed addresses refused because the member, its line, its network or the node has enough.
    pub over_quota: u64,
    /// Relayed addresses by which nothing passed, closed because somebody else needed one.
    pub made_room: u64,
    /// Permissions refused for where nothing is relayed to.
    pub forbidden_peers: u64,
    /// Datagrams passed on.
    pub datagrams: u64,
    /// Bytes passed on.
    pub bytes: u64,
    /// Datagrams dropped because an address had passed on enough in this second.
    pub over_rate: u64,
    /// Datagrams that are no words of this protocol, or came from where nothing was permitted.
    pub dropped: u64,
    /// Requests not answered, because a network or a member asks too fast.
    pub too_fast: u64,
}
