//! By which keys GitHub's secret scanner is known: the file that `leaks.github_keys` names.

use web::GitHubKeys;

use crate::config::Config;
use crate::exit::Failure;

/// None where nobody set them.
///
/// # Errors
/// A file that cannot be read, or that has no key of theirs.
pub(crate) fn keys(config: &Config) -> Result<GitHubKeys, Failure> {
    let Some(path) = &config.leaks_github_keys else { return Ok(GitHubKeys::default()) };
    let wrong = |what: String| Failure::failed(format!("leaks.github_keys is {}, {what}", path.display()));
    let text =
        std::fs::read_to_string(path).map_err(|cause| wrong(format!("which could not be read: {cause}")))?;
    GitHubKeys::read(&text).map_err(|why| {
        wrong(format!(
            "but {why}; fetch it again from https://api.github.com/meta/public_keys/secret_scanning"
        ))
    })
}
