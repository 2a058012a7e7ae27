//! Reads the body of an HTTP answer, as far as it is bounded.

/// The whole body; `None` if it is larger than `bytes_max`, of which no more is kept.
pub(super) async fn read(mut answer: reqwest::Response, bytes_max: usize) -> reqwest::Result<Option<Vec<u8>>> {
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await? {
        if body.len() + chunk.len() > bytes_max {
            return Ok(None);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Some(body))
}
