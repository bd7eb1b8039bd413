// Goal: B, ε, F and B − F are what the formula says, in the unit that was said, and impossible ones are refused with numbers.
// Method: the table of the formula, computed here by integer search instead of logarithms; endpoints; refusals.

import KeyValue
import Testing

@testable import BEpsilonTree

@Suite struct GeometryTests {
  /// The largest f with f^q ≤ b^p: ⌊b^(p/q)⌋ in integers.
  private func root(_ b: Int, _ p: Int, _ q: Int) -> Int {
    func power(_ x: Int, _ n: Int) -> Double { (0..<n).reduce(1.0) { product, _ in product * Double(x) } }
    var f = 1
    while power(f + 1, q) <= power(b, p) { f += 1 }
    return f
  }

  @Test(arguments: [32, 512, 8_192], [(1, 4), (3, 10), (2, 5), (1, 2), (3, 5), (3, 4), (1, 1)])
  func bufferCapacityFormula(b: Int, epsilon: (Int, Int)) throws {
    let geometry = try BEpsilonGeometry(
      nodeByteCount: b * 128, epsilon: Double(epsilon.0) / Double(epsilon.1), unit: .entries(byteCount: 128))
    let expected = max(2, root(b, epsilon.0, epsilon.1))
    #expect(geometry.nodeUnitCount == b)
    #expect(geometry.fanout == expected)
    #expect(geometry.bufferUnitCount == b - expected)
    #expect(geometry.bufferByteCount == (b - expected) * 128)
  }

  @Test func theExamplesOfThePapers() throws {
    func geometry(_ b: Int, _ epsilon: Double) throws -> BEpsilonGeometry {
      try BEpsilonGeometry(nodeByteCount: b * 128, epsilon: epsilon, unit: .entries(byteCount: 128))
    }
    #expect(try geometry(512, 0.5).fanout == 22)
    #expect(try geometry(512, 0.5).bufferUnitCount == 490)
    #expect(try geometry(32, 0.25).fanout == 2)
    #expect(try geometry(32, 0.25).bufferUnitCount == 30)
    // The unit decides: a mebibyte of bytes, or of entries.
    #expect(try BEpsilonGeometry(nodeByteCount: 1 << 20, epsilon: 0.5, unit: .bytes).fanout == 1_024)
    #expect(try geometry(8_192, 0.5).fanout == 90)
    // The ends: a buffered repository tree and a B-tree.
    #expect(try geometry(8_192, 0).fanout == 2)
    #expect(try geometry(8_192, 1).bufferByteCount == 0)
  }

  @Test func impossibleGeometryIsRefused() {
    func refusal(_ make: () throws -> BEpsilonGeometry) -> String {
      do {
        _ = try make()
        return ""
      } catch {
        return "\(error)"
      }
    }
    #expect(
      refusal { try BEpsilonGeometry(nodeByteCount: 4_096, epsilon: 1.5, unit: .bytes) }.contains("0 to 1"))
    #expect(
      refusal {
        try BEpsilonGeometry(nodeByteCount: 4_096, epsilon: 0.5, unit: .entries(byteCount: 1_024))
      }
      .contains("holds 4 entries of 1024 bytes"))
    #expect(
      refusal { try BEpsilonGeometry(nodeByteCount: 4_096, fanout: 100, unit: .entries(byteCount: 128)) }
        .contains("from 2 to 32"))
    #expect(
      refusal { try BEpsilonGeometry(nodeByteCount: 4_096, fanout: 1, unit: .bytes) }.contains("fanout is 1"))
  }
}
