//! Confidence intervals of shares.

/// The interval of Wilson (1927, "Probable inference, the law of succession, and statistical inference") for a share of
/// which `successes` of `trials` were seen, at `z` standard deviations; `None` without trials.
pub(super) fn wilson(successes: u64, trials: u64, z: f64) -> Option<(f64, f64)> {
    if trials == 0 {
        return None;
    }
    let (count, share) = (trials as f64, successes as f64 / trials as f64);
    let square = z * z;
    let middle = share + square / (2.0 * count);
    let spread = z * (share * (1.0 - share) / count + square / (4.0 * count * count)).sqrt();
    let of = |end: f64| (end / (1.0 + square / count)).clamp(0.0, 1.0);
    Some((of(middle - spread), of(middle + spread)))
}

/// How many standard deviations around the mean of a normal distribution hold this share of it, by the rational
/// approximation of Acklam for the inverse of its cumulative function (relative error below 1.15e-9).
pub(super) fn deviations(confidence: f64) -> f64 {
    quantile(0.5 + confidence / 2.0)
}

#[expect(clippy::excessive_precision, reason = "as they were published")]
fn quantile(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_690e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] =
        [7.784_695_709_041_462e-3, 3.224_671_290_700_398e-1, 2.445_134_137_142_996, 3.754_408_661_907_416];
    let polynomial = |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, next| sum * x + next);
    // Below this the tails have a form of their own.
    const LOW: f64 = 0.024_25;
    let tail = |q: f64| polynomial(&C, q) / (polynomial(&D, q) * q + 1.0);
    if p < LOW {
        tail((-2.0 * p.ln()).sqrt())
    } else if p > 1.0 - LOW {
        -tail((-2.0 * (1.0 - p).ln()).sqrt())
    } else {
        let q = p - 0.5;
        let r = q * q;
        polynomial(&A, r) * q / (polynomial(&B, r) * r + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_tables() {
        for (confidence, z) in
            [(0.95, 1.959_963_985), (0.99, 2.575_829_304), (0.5, 0.674_489_750), (0.999, 3.290_526_731)]
        {
            assert!((deviations(confidence) - z).abs() < 1e-8, "{confidence}: {}", deviations(confidence));
        }
    }

    #[test]
    fn intervals_are_those_of_wilson() {
        // Worked by hand: 8 of 10 at z = 1.96 gives (0.8 + 0.19208 -+ 1.96 * sqrt(0.016 + 0.009604)) / 1.38416.
        let (low, high) = wilson(8, 10, 1.96).unwrap();
        assert!((low - 0.490_157).abs() < 1e-6 && (high - 0.943_319).abs() < 1e-6, "{low} {high}");
        assert_eq!(wilson(0, 0, 1.96), None);
        let (low, high) = wilson(0, 5, 1.96).unwrap();
        assert!(low == 0.0 && (high - 0.434_491).abs() < 1e-6, "{high}");
        assert_eq!(wilson(5, 5, 1.96).unwrap().1, 1.0);
    }
}
