// Reads that were asked for ahead of their use: handed to the device by `begin`, waited for by `finish`.
//
//   begin ──▶ batch, frames and lists belong to the flight ──▶ finish ──▶ ledger, bytes
//                                      └── let go unfinished ──▶ waited for and counted all the same
//
// Invariants
// 1. What was begun is finished and entered in the books, whether or not somebody still wants the bytes: counts do not depend on
//    whether the device really began, nor on how fast it was.
// 2. Memory that the device may still write to is held by the flight.
// 3. A flight is begun, finished and let go by the one thread that uses its channel.

import Accounting
import Primitives

/// A channel as a flight sees it.
protocol FlightChannel: AnyObject {
  /// Performs a sealed batch of reads, or waits for it when the device has begun, and enters it in the books.
  func complete(_ batch: inout TransferBatch, _ flight: (any BatchInFlight)?) throws(StorageError)
}

/// A batch of reads on its way.
public final class ReadsInFlight {
  /// What was asked for; the frames are there after `finish`.
  public private(set) var batch: TransferBatch
  private let flight: (any BatchInFlight)?
  private let channel: any FlightChannel
  private var isFinished = false

  init(_ batch: consuming TransferBatch, on channel: any FlightChannel, device: (any BlockDevice)?) {
    precondition(!batch.containsWrites, "Only reads are asked for ahead.")
    self.channel = channel
    flight = batch.isEmpty ? nil : device?.begin(&batch)
    self.batch = batch
  }

  deinit {
    if isFinished { return }
    do throws(StorageError) {
      try channel.complete(&batch, flight)
    } catch {
      // Nobody wants these bytes any more; whoever does later reads them and is told.
    }
  }

  /// Waits until the bytes are there.
  ///
  /// - Throws: what the device throws, or `.poisoned`. A batch that threw is in no books.
  public func finish() throws(StorageError) {
    precondition(!isFinished, "Reads are finished once.")
    isFinished = true
    try channel.complete(&batch, flight)
  }
}

extension IOChannel: FlightChannel {
  /// Hands over a batch that only reads, and does not wait. A device that takes one call at a time, or begins nothing, performs it in
  /// `finish`.
  public func begin(_ batch: consuming TransferBatch) -> ReadsInFlight {
    batch.seal(coalesces: coalesces, maximumTransferByteCount: maximumTransferByteCount)
    let begins = gate == nil && poisonedBy == nil
    return ReadsInFlight(batch, on: self, device: begins ? device : nil)
  }

  func complete(_ batch: inout TransferBatch, _ flight: (any BatchInFlight)?) throws(StorageError) {
    guard let flight else { return try submit(&batch) }
    try device.finish(&batch, flight)
    enter(&batch)
    if let poisonedBy { throw .poisoned(by: poisonedBy) }
  }
}

extension ReadChannel: FlightChannel {
  /// As `IOChannel.begin`.
  public func begin(_ batch: consuming TransferBatch) -> ReadsInFlight {
    batch.seal(coalesces: coalesces, maximumTransferByteCount: maximumTransferByteCount)
    let begins = gate == nil && health.poisonedBy == nil
    return ReadsInFlight(batch, on: self, device: begins ? device : nil)
  }

  func complete(_ batch: inout TransferBatch, _ flight: (any BatchInFlight)?) throws(StorageError) {
    guard let flight else { return try submit(&batch) }
    try device.finish(&batch, flight)
    enter(&batch)
    if let reason = health.poisonedBy { throw .poisoned(by: reason) }
  }
}
