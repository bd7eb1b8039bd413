// What looking at an image costs, step by step: how many transfers, how many bytes, how long.
//
//   superblocks and space ──step──▶ main tree ──step──▶ log ──step──▶ …       each takes what moved since the one before
//
// Invariant: transfers and bytes of the steps sum to what the channel read. Time is measured, and differs from look to look.

import CSystem

/// One step of an examination and what it took.
public struct ExaminationStep: Equatable, Sendable {
  /// What was looked at.
  public var name: String
  /// Transfers from the device.
  public var readCount: UInt64
  /// Bytes they moved.
  public var readByteCount: UInt64
  /// Checksums computed and compared.
  public var checksumCount: UInt64 = 0
  /// Time by the machine's clock, in nanoseconds.
  public var nanoseconds: UInt64
}

/// Divides an examination into steps.
public struct ExaminationMeter {
  private let channel: IOChannel
  private var readCount: UInt64
  private var readByteCount: UInt64
  private var nanoseconds: UInt64

  /// A meter that begins now.
  public init(_ channel: IOChannel) {
    self.channel = channel
    readCount = channel.totals.readTransferCount
    readByteCount = channel.totals.readByteCount
    nanoseconds = betula_monotonic_nanoseconds()
  }

  /// What happened since the last step, as a step.
  public mutating func step(_ name: String, checksumCount: UInt64 = 0) -> ExaminationStep {
    let before = self
    self = ExaminationMeter(channel)
    return ExaminationStep(
      name: name, readCount: readCount - before.readCount,
      readByteCount: readByteCount - before.readByteCount,
      checksumCount: checksumCount, nanoseconds: nanoseconds - before.nanoseconds)
  }
}
