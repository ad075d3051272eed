//! Signatures of posts, by the device itself: unlike those of a chain they hold for members who join later.

use std::ops::Deref;

use ed25519_dalek::Signer as _;
use kith_proto::id::PostId;
use kith_proto::post::Draft;
use kith_proto::post::Post;

use crate::identity;
use crate::identity::DeviceSecret;
use crate::identity::IdentityError;

/// A post whose signature holds, with its name. Whether that device may post is not said by this.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedPost {
    id: PostId,
    post: Post,
}

impl VerifiedPost {
    /// Its name.
    pub fn id(&self) -> PostId {
        self.id
    }

    /// The post itself.
    pub fn into_inner(self) -> Post {
        self.post
    }
}

impl Deref for VerifiedPost {
    type Target = Post;

    fn deref(&self) -> &Post {
        &self.post
    }
}

/// Signs a post of this device.
///
/// # Errors
/// When the draft names another device or could not be read back.
pub fn sign_post(device: &DeviceSecret, draft: Draft) -> Result<VerifiedPost, IdentityError> {
    if draft.device != device.id() || draft.check().is_err() {
        return Err(IdentityError::BadSignature);
    }
    let signature = device.signing_key().sign(&draft.signed_bytes()).to_bytes();
    Ok(VerifiedPost { id: draft.id(), post: Post { draft, signature } })
}

/// Checks a post against the device that it names.
///
/// # Errors
/// When the signature does not hold.
pub fn verify_post(post: Post) -> Result<VerifiedPost, IdentityError> {
    post.draft.check().map_err(|_| IdentityError::BadSignature)?;
    identity::verify(&post.draft.device.0, &post.draft.signed_bytes(), &post.signature)?;
    Ok(VerifiedPost { id: post.id(), post })
}
