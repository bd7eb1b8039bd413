// Private stand-in until Primitives lands.
public func log2(_ x: Double) -> Double {
  let bits = x.bitPattern
  var e = Double(Int(bits >> 52) - 1023)
  var m = Double(bitPattern: (bits & 0x000F_FFFF_FFFF_FFFF) | 0x3FF0_0000_0000_0000)
  if m > 1.4142135623730951 { m *= 0.5; e += 1 }
  let s = (m - 1) / (m + 1)
  let q = s * s
  var p = 1.0 / 21
  p = p * q + 1.0 / 19
  p = p * q + 1.0 / 17
  p = p * q + 1.0 / 15
  p = p * q + 1.0 / 13
  p = p * q + 1.0 / 11
  p = p * q + 1.0 / 9
  p = p * q + 1.0 / 7
  p = p * q + 1.0 / 5
  p = p * q + 1.0 / 3
  p = p * q + 1.0
  return e + 2 * s * p * 1.4426950408889634
}
public func ln(_ x: Double) -> Double { log2(x) * 0.6931471805599453 }
public func exp2(_ x: Double) -> Double {
  if x < -1022 { return 0 }
  if x > 1023 { return .infinity }
  let n = Int(x + 0.5 + 2048) - 2048
  let f = (x - Double(n)) * 0.6931471805599453
  var p = 1.0
  var k = 14.0
  while k > 0 { p = 1 + p * f / k; k -= 1 }
  return p * Double(bitPattern: UInt64(n + 1023) << 52)
}
public func pow(_ x: Double, _ y: Double) -> Double { exp2(y * log2(x)) }
