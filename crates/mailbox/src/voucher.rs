//! What a community hands out to its own people.

/// The hash under which a mailbox knows a voucher ([`crate::Config::vouchers`]), so that its configuration is no secret.
pub fn voucher_hash(voucher: &[u8]) -> [u8; 32] {
    blake3::derive_key("kith 2026-11-21 mailbox voucher v1", voucher)
}
