//! What a token costs: the bare HMAC, a plain mint, and one candidate of a search.
//! `cargo bench --bench minting`

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ringcheck::model::{Timestamp, TokenKind};
use ringcheck::partner::twilio::{Account, MintRequest, SigningKey, mint, mint_best};
use ringcheck::token::shape_of;
use sha2::Sha256;

/// Candidates that one steered token is chosen from.
const CANDIDATES: u32 = 10_000;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const APPLICATION: &str = "AP00000000000000000000000000000003";

fn account() -> Account {
    Account::with_sid("AC00000000000000000000000000000001")
}

fn request(account: &Account, kind: TokenKind, serial: u64) -> MintRequest<'_> {
    let key = match kind {
        TokenKind::Access => SigningKey::ApiKey { sid: "SK00000000000000000000000000000002", secret: SECRET },
        TokenKind::Capability => SigningKey::AuthToken { secret: SECRET },
    };
    let now = Timestamp::from_millis(1_726_000_000_000);
    let identity = "rc_pod_18_eu_west_7xx";
    MintRequest { account, key, identity, outgoing: Some(APPLICATION), now, ttl_s: 120, serial }
}

fn minting(criterion: &mut Criterion) {
    let account = account();
    for kind in TokenKind::ALL {
        let mut group = criterion.benchmark_group(format!("minting/{kind}"));
        let token = mint(&request(&account, kind, 0));
        let (signed, _) = token.expose().rsplit_once('.').expect("three parts");
        let keyed = Hmac::<Sha256>::new_from_slice(SECRET).expect("any key");

        group.throughput(Throughput::Elements(1));
        group.bench_function("bare HMAC of the whole text", |bencher| {
            bencher.iter(|| keyed.clone().chain_update(black_box(signed)).finalize().into_bytes());
        });
        group.bench_function("plain mint", |bencher| {
            let mut serial = 0;
            bencher.iter(|| {
                serial += 1;
                mint(black_box(&request(&account, kind, serial)))
            });
        });
        group.bench_function("shape", |bencher| bencher.iter(|| shape_of(black_box(token.expose()))));

        group.throughput(Throughput::Elements(u64::from(CANDIDATES)));
        group.bench_function(BenchmarkId::new("search", CANDIDATES), |bencher| {
            let mut serial = 0;
            bencher.iter(|| {
                serial += 1;
                mint_best(black_box(&request(&account, kind, serial)), CANDIDATES, |shape| {
                    shape.signature.0.count_ones()
                })
            });
        });
        group.finish();
    }
}

criterion_group!(benches, minting);
criterion_main!(benches);
