//! After the walk: what to try next, and a clean stop.

use crate::cli::demo::curl::Style;
use crate::cli::demo::file::DemoFile;
use crate::cli::demo::transcript::Transcript;
use crate::cli::error::CommandError;
use crate::cli::servers::stop_wanted;

/// Says what to try next, and waits for Ctrl-C or SIGTERM.
pub(super) async fn stay_up(
    demo: &DemoFile,
    transcript: &mut Transcript,
) -> Result<(), CommandError> {
    transcript.line(&suggestions(demo, &transcript.curl))?;
    stop_wanted().await?;
    transcript.line("\nStopping; requests under way may finish.")
}

fn suggestions(demo: &DemoFile, style: &Style) -> String {
    let Style { authority, program, partner, demo_option, settings } = style;
    let DemoFile { issuer, endpoints, operator, directory, .. } = demo;
    let organisation = &demo.partner.organisation_id;
    format!(
        "\n\
The partner is suspended, and everything is still running. Try next, in another terminal:

  Give the partner its access back; then every command above can be repeated.
    {program} org restore {organisation} --reason 'key replaced'{demo_option}
    {partner} token

  Prove a key: the token is worth nothing without the proof, and the proof serves once.
    {partner} token --dpop
    {partner} proof --help

  Ask who has access, and who did what when.
    {program} client list{demo_option}
    {program} audit list{demo_option}

  Present a bad statement; `{program} directory faults` lists all the ways to be bad.
    curl --cacert {authority} -H 'Content-Type: application/jose' \\
      -d \"$({partner} registration --fault expired)\" {}

  Let the doctor look; or, once this has stopped, run the same server without the cast.
    {program} doctor --config {settings}
    {program} serve --config {settings}

  authorization server   {issuer}
  what it can do         {}
  operator API           {}, described in {}
  test directory         {}

Ctrl-C stops it.",
        endpoints.registration,
        endpoints.oauth_authorization_server,
        operator.url,
        operator.openapi,
        directory.url,
    )
}
