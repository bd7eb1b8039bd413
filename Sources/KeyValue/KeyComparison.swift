// The order of keys, for the reference model and the conformance suite: unsigned bytes, a prefix before its
// extensions. Written out byte by byte, so that it cannot share a mistake with the engines it judges.

/// Whether `left` comes strictly before `right` in key order.
func keyPrecedes(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
  let common = min(left.count, right.count)
  var index = 0
  while index < common {
    let a = left[index]
    let b = right[index]
    if a != b { return a < b }
    index += 1
  }
  return left.count < right.count
}

/// Whether `left` comes strictly before `right` in key order.
func keyPrecedes(_ left: [UInt8], _ right: [UInt8]) -> Bool {
  left.withUnsafeBytes { l in right.withUnsafeBytes { r in keyPrecedes(l, r) } }
}

/// Whether `key` lies in `range`.
func keyIsInside(_ key: [UInt8], _ range: KeyRange) -> Bool {
  if let lower = range.lowerBound, keyPrecedes(key, lower) { return false }
  if let upper = range.upperBound, !keyPrecedes(key, upper) { return false }
  return true
}
