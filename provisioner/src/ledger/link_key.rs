//! The key that signs tenants' links, read from the stack's secret when a link is made. It is never shown.

use billing::link::LinkKey;

use super::stack_secret;
use crate::project::Project;
use crate::ui::failure::Failure;

/// Reads it with the operator's credentials.
pub async fn read(project: &Project) -> Result<LinkKey, Failure> {
    let (_, secret) = project.manifest.link_secret().ok_or_else(|| {
        Failure::new("the manifest has no secret that signs links").hint("`auth.links.secret` names it")
    })?;
    Ok(LinkKey::from_secret(stack_secret::read(project, secret).await?.expose())?)
}
