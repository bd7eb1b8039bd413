// What one transfer costs: three models of a device, from coarse to fine.
//
//   DAM      blocks of B bytes; every block costs 1, wherever it lies
//   affine   s + t·x seconds for x bytes; every transfer pays s, a continuation too
//   PDAM     steps; up to P blocks of B bytes per step
//
// Deviations: none; the constants are explicit, where the papers hide them in O().

import Primitives

/// The disk-access machine.
///
/// Source: A. Aggarwal, J. S. Vitter, CACM 31(9), 1988.
public enum DAMModel {
  /// ⌈bytes / B⌉ blocks of one transfer.
  public static func blockCount(byteCount: UInt64, blockByteCount: UInt64) -> UInt64 {
    precondition(blockByteCount > 0, "A block has at least one byte.")
    return byteCount / blockByteCount + (byteCount % blockByteCount == 0 ? 0 : 1)
  }
}

/// The affine model: a transfer of x bytes costs s + t·x seconds.
///
/// Source: Bender et al., ACM TOPC 8(3), 2021, section 2.
public struct AffineModel: Equatable, Sendable {
  /// s, in seconds.
  public var setupSeconds: Double
  /// t, in seconds per byte.
  public var secondsPerByte: Double

  /// A model with setup time s > 0 and transfer time t > 0.
  public init(setupSeconds: Double, secondsPerByte: Double) {
    precondition(setupSeconds > 0 && secondsPerByte > 0, "The affine model has a positive s and t.")
    self.setupSeconds = setupSeconds
    self.secondsPerByte = secondsPerByte
  }

  /// The model of a profile's reads.
  public init(readsOf profile: DeviceProfile) {
    self.init(setupSeconds: profile.readSetupSeconds, secondsPerByte: profile.readSecondsPerByte)
  }

  /// The model of a profile's writes.
  public init(writesOf profile: DeviceProfile) {
    self.init(setupSeconds: profile.writeSetupSeconds, secondsPerByte: profile.writeSecondsPerByte)
  }

  /// α = t/s per byte: the cost of a byte in setups.
  public var alphaPerByte: Double { secondsPerByte / setupSeconds }

  /// s/t in bytes: a transfer of this size runs at half the bandwidth.
  public var halfBandwidthByteCount: Double { setupSeconds / secondsPerByte }

  /// Seconds of one transfer: s + t·x.
  public func seconds(byteCount: Double) -> Double { setupSeconds + secondsPerByte * byteCount }

  /// Seconds of several transfers, one after the other: every one pays s.
  public func seconds(transferCount: Double, byteCount: Double) -> Double {
    setupSeconds * transferCount + secondsPerByte * byteCount
  }

  /// The cost of one transfer in setups: 1 + α·x.
  public func setups(byteCount: Double) -> Double { 1 + alphaPerByte * byteCount }
}

/// The parallel disk-access machine: P blocks of B bytes per time step.
///
/// Source: Bender et al., ACM TOPC 8(3), 2021, section 2 (PDAM) and Table 2.
public struct PDAMModel: Equatable, Sendable {
  /// P, in blocks per step.
  public var parallelBlockCount: Int
  /// B, in bytes.
  public var blockByteCount: Int

  /// A device that serves P blocks of B bytes per step.
  public init(parallelBlockCount: Int, blockByteCount: Int) {
    precondition(parallelBlockCount > 0 && blockByteCount > 0, "P and B are at least 1.")
    self.parallelBlockCount = parallelBlockCount
    self.blockByteCount = blockByteCount
  }

  /// The model of a profile, P rounded to a whole number of blocks.
  public init(_ profile: DeviceProfile) {
    self.init(parallelBlockCount: profile.parallelBlockCount, blockByteCount: profile.blockByteCount)
  }

  /// ⌈blocks / P⌉ steps of a batch whose blocks are in flight together.
  public func stepCount(blockCount: UInt64) -> UInt64 {
    DAMModel.blockCount(byteCount: blockCount, blockByteCount: UInt64(parallelBlockCount))
  }

  /// Steps of one batch of transfers: each transfer's ⌈bytes/B⌉ blocks, summed, over P.
  public func stepCount(transferByteCounts: some Sequence<UInt64>) -> UInt64 {
    var blockCount: UInt64 = 0
    for byteCount in transferByteCounts {
      blockCount += DAMModel.blockCount(byteCount: byteCount, blockByteCount: UInt64(blockByteCount))
    }
    return stepCount(blockCount: blockCount)
  }

  /// Throughput of k clients of one block each, in blocks per step: linear to P, then flat.
  public func throughputBlocksPerStep(clientCount: Int) -> Int { min(clientCount, parallelBlockCount) }
}
