// How large a node is and how it is divided: B, ε, F and B − F, in a unit that is said.
//
//   node of B   ├── F = max(2, ⌊B^ε⌋) pivots ──┤├────────── buffer of B − F ──────────┤
//
// ε has no meaning without a unit: a mebibyte is 2^20 bytes or 8,192 entries of 128, and √ of the one is 1,024, of the other 90.
// The unit is therefore a parameter, and B, F and B − F are all said in it. In bytes on the device, a buffer of n entries is
// n × (bytes of an entry); what is enforced is that number of bytes of messages, and F children.
//
// Invariants
// 1. 2 ≤ F ≤ B and buffer = B − F.
// 2. Two keys of the greatest length and one message of the greatest length fit into a node.
// 3. F pivots of the greatest length fit into a node, or that length is a sixteenth of it: then a node of long keys has fewer
//    children than F.
//
// Deviation: halving a node of three children would leave one with a single child, so with F = 2 a node is split when it has
// four (a 2-3 tree).
//
// Source: G. S. Brodal, R. Fagerberg, "Lower Bounds for External Memory Dictionaries", SODA 2003, section 3; M. A. Bender et
// al., "An Introduction to Bε-trees and Write-Optimization", ;login: 40(5), 2015.

import KeyValue
import Primitives

/// The division of a node.
public struct BEpsilonGeometry: Equatable, Sendable {
  /// What B and F are counted in.
  public enum Unit: Equatable, Sendable {
    /// Entries of a stated size in bytes.
    case entries(byteCount: Int)
    case bytes

    /// Bytes of one unit.
    public var byteCount: Int {
      switch self {
      case .entries(let byteCount): byteCount
      case .bytes: 1
      }
    }
  }

  /// B in bytes.
  public let nodeByteCount: Int
  /// The unit of the next three.
  public let unit: Unit
  /// B.
  public let nodeUnitCount: Int
  /// F, pivots and so children of a node at most.
  public let fanout: Int
  /// B − F.
  public let bufferUnitCount: Int

  /// A geometry from ε.
  ///
  /// - Parameter epsilon: from 0 (two children, everything else buffer) to 1 (no buffer: a B-tree).
  /// - Throws: `.invalidParameters` when a node holds too few units.
  public init(nodeByteCount: Int, epsilon: Double, unit: Unit) throws(EngineError) {
    let count = nodeByteCount / unit.byteCount
    guard epsilon >= 0, epsilon <= 1 else {
      throw .invalidParameters(reason: "epsilon is \(epsilon), it lies from 0 to 1")
    }
    try self.init(nodeByteCount: nodeByteCount, fanout: Self.fanout(count, epsilon), unit: unit)
  }

  /// A geometry with a fanout that is given.
  ///
  /// - Throws: `.invalidParameters` when a node holds too few units or no such fanout.
  public init(nodeByteCount: Int, fanout: Int, unit: Unit) throws(EngineError) {
    let count = nodeByteCount / unit.byteCount
    guard count >= 8 else {
      throw .invalidParameters(
        reason:
          "a node of \(nodeByteCount) bytes holds \(count) entries of \(unit.byteCount) bytes, it needs 8; "
          + "make node_bytes larger or entry_bytes smaller")
    }
    guard fanout >= 2, fanout <= count else {
      throw .invalidParameters(
        reason:
          "fanout is \(fanout), a node of \(count) \(unit == .bytes ? "bytes" : "entries") has from 2 to \(count)"
      )
    }
    self.nodeByteCount = nodeByteCount
    self.unit = unit
    nodeUnitCount = count
    self.fanout = fanout
    bufferUnitCount = count - fanout
  }

  /// max(2, ⌊B^ε⌋).
  static func fanout(_ nodeUnitCount: Int, _ epsilon: Double) -> Int {
    if epsilon == 1 { return nodeUnitCount }
    let power = DeterministicMath.exp2(epsilon * DeterministicMath.log2(Double(nodeUnitCount)))
    // A power that is a whole number may come out a rounding error below it.
    return max(2, min(nodeUnitCount, Int(power * (1 + 1e-12))))
  }

  /// Message bytes that a node's buffers may hold.
  public var bufferByteCount: Int { bufferUnitCount * unit.byteCount }

  /// ln F ÷ ln B: the ε whose floor this fanout is.
  public var effectiveEpsilon: Double {
    DeterministicMath.log2(Double(fanout)) / DeterministicMath.log2(Double(nodeUnitCount))
  }

  /// Children a node may have at rest.
  var maximumChildCount: Int { max(3, fanout) }

  /// The longest key, in bytes: a quarter of a node less 64 bytes where F pivots of that length fit into one, otherwise what an
  /// F-th of it holds, and a sixteenth of it at least; at most 32 KiB.
  var maximumKeyByteCount: Int {
    let lineByteCount = NodeImage.partByteCount + 2
    let pivotByteCount =
      (nodeByteCount - NodeImage.headByteCount - maximumChildCount * lineByteCount) / (maximumChildCount - 1)
    let quarter = nodeByteCount / 4 - 64
    return min(1 << 15, max(nodeByteCount / 16, min(quarter, pivotByteCount)))
  }
}
