// Frozen answers. They may be read by old records: a change here is a change of every workload.

extension RandomTests {
  static let frozenDraws: [UInt64] = [
    14_751_143_543_384_195_368, 12_168_778_942_722_555_834, 3_084_937_565_208_780_110,
    13_832_243_705_852_211_641,
  ]
  static let frozenSubDraw: UInt64 = 12_393_316_502_119_037_499
  static let frozenZeroDraw: UInt64 = 17_668_723_599_395_803_453
  static let frozenUniform: [UInt64] = [799, 659, 167, 749, 998, 594, 838, 41]
  static let frozenUnit: UInt64 = 4_603_531_651_624_595_815
  static let frozenPermutation: [UInt64] = [512, 547, 654, 112, 340, 405, 366, 471]
}

extension MathTests {
  static let goldenBits: [UInt64] = [
    4_607_505_657_739_150_948, 4_590_209_002_184_344_360, 4_613_303_445_314_885_482,
    4_475_333_236_920_666_683,
    4_609_816_855_700_290_920, 13_826_182_119_498_874_131, 4_612_367_379_483_415_830,
    4_547_006_753_108_655_316,
    4_721_603_989_943_278_663, 4_546_195_976_546_825_568, 4_526_716_223_164_106_601,
  ]
}
