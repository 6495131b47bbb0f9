//! Where a stack's pages are to a browser.

use billing::manifest::model::{Manifest, Surface};
use localcloud::remote;

/// The pages' address without a path: the local cloud's, else the domain that the manifest gives them. None where no
/// pages are deployed, or no domain leads to them.
pub async fn url(manifest: &Manifest) -> Option<String> {
    if !manifest.has_surface(Surface::Portal) {
        return None;
    }
    let endpoint = std::env::var("AWS_ENDPOINT_URL").ok().filter(|endpoint| remote::is_loopback(endpoint));
    match endpoint {
        // Another emulator has no such pages.
        Some(endpoint) => remote::site(&endpoint).await.ok(),
        None => Some(format!("https://{}", manifest.portal.as_ref()?.domain.as_ref()?)),
    }
}

/// The link that signs a browser in: the token stands in the fragment, which no server and no log sees.
pub fn link(portal_url: &str, token: &str) -> String {
    format!("{portal_url}/signin#{token}")
}
