//! The certificate of a node that browsers connect to. Its hash is part of the address, so it is made once and kept.

use std::sync::Arc;

use libp2p::core::multihash::Multihash;
use rtc_dtls::config::ClientAuthType;
use rtc_dtls::config::ConfigBuilder;
use rtc_dtls::config::ExtendedMasterSecretType;
use rtc_dtls::config::HandshakeConfig;
use rtc_dtls::crypto::Certificate;
use rtc_dtls::crypto_provider::HashAlgorithm;
use rtc_dtls::crypto_provider::RTCCryptoProvider;
use rtc_dtls::crypto_provider::default_provider;
use rtc_dtls::extension::extension_use_srtp::SrtpProtectionProfile;
use zeroize::Zeroizing;

use super::sctp::Chance;
use crate::error::NetError;

/// The multihash code of SHA-256.
const SHA_256: u64 = 0x12;

/// The hash of a certificate.
pub(super) type Fingerprint = Multihash<64>;

/// Makes a certificate with a key of its own, as text to keep.
///
/// # Errors
/// When there is no randomness.
pub fn new_certificate() -> Result<Zeroizing<String>, NetError> {
    let provider = default_provider().map_err(|error| setup(&error))?;
    // Nobody looks at the name: the hash says all.
    let made = Certificate::generate_self_signed(vec!["kith".to_owned()], provider.crypto());
    made.and_then(|made| made.serialize_pem()).map(Zeroizing::new).map_err(|error| setup(&error))
}

/// What every handshake of this node has in common.
#[derive(Clone)]
pub(super) struct Identity {
    pub(super) provider: Arc<dyn RTCCryptoProvider>,
    pub(super) handshake: Arc<HandshakeConfig>,
    pub(super) fingerprint: Fingerprint,
}

impl Identity {
    /// Reads a certificate that was kept.
    pub(super) fn read(kept: &str) -> Result<Self, NetError> {
        let provider = default_provider().map_err(|error| setup(&error))?;
        let certificate = Certificate::from_pem(kept, provider.crypto()).map_err(|error| setup(&error))?;
        let der = certificate.certificate.first().ok_or_else(|| setup(&"the certificate is empty"))?;
        let fingerprint = fingerprint(der, &provider).ok_or_else(|| setup(&"no SHA-256"))?;
        let handshake = ConfigBuilder::default()
            .with_crypto_provider(Arc::clone(&provider))
            .with_certificates(vec![certificate])
            // Both are self-signed. Whose they are is proven by the handshake of libp2p, which covers both hashes.
            .with_client_auth(ClientAuthType::RequireAnyClientCert)
            .with_insecure_skip_verify(true)
            // There is no media, but browsers ask, and must find one they know.
            .with_srtp_protection_profiles(vec![
                SrtpProtectionProfile::Srtp_Aead_Aes_128_Gcm,
                SrtpProtectionProfile::Srtp_Aes128_Cm_Hmac_Sha1_80,
            ])
            .with_extended_master_secret(ExtendedMasterSecretType::Require)
            .build(false, None)
            .map_err(|error| setup(&error))?;
        Ok(Self { provider, handshake: Arc::new(handshake), fingerprint })
    }

    /// What an association chooses by chance.
    pub(super) fn chance(&self) -> Chance {
        let mut bytes = [0; 24];
        // It is all inside of DTLS, where nobody else could guess or answer: without randomness it does no harm.
        let _ = self.provider.random().fill(&mut bytes);
        let (tag, number, cookie) = split(&bytes);
        // A tag is never zero.
        Chance { tag: tag | 1, number, cookie }
    }
}

fn split(bytes: &[u8; 24]) -> (u32, u32, [u8; 16]) {
    let (words, cookie) = bytes.split_at(8);
    let word = |word: &[u8]| word.iter().fold(0, |sum, byte| sum << 8 | u32::from(*byte));
    let (tag, number) = words.split_at(4);
    (word(tag), word(number), cookie.try_into().unwrap_or_default())
}

/// The hash of a certificate as multiaddresses have it.
pub(super) fn fingerprint(der: &[u8], provider: &Arc<dyn RTCCryptoProvider>) -> Option<Fingerprint> {
    let digest = provider.crypto().hash(HashAlgorithm::Sha256, der).ok()?;
    Multihash::wrap(SHA_256, &digest).ok()
}

fn setup(error: &dyn std::fmt::Display) -> NetError {
    NetError::Setup(format!("WebRTC: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_that_was_kept_has_the_same_hash() {
        let kept = new_certificate().unwrap();
        let (one, two) = (Identity::read(&kept).unwrap(), Identity::read(&kept).unwrap());
        assert_eq!(one.fingerprint, two.fingerprint);
        assert_ne!(one.fingerprint, Identity::read(&new_certificate().unwrap()).unwrap().fingerprint);
        assert!(Identity::read("nonsense").is_err());
    }
}
