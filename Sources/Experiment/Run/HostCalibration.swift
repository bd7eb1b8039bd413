// Measures this machine's disk and fits the affine model to it, so that a study can charge the same counts as if
// they had run here.
//
//   scratch file, O_DIRECT ─▶ random reads and writes of 4 KiB … 1 MiB, one at a time ─▶ medians ─▶ s + t·x
//                          └▶ random 4 KiB reads, 1 … 32 at a time ─▶ throughput knee ─▶ P
//
// Invariants
// 1. The fit is least squares on the medians, each weighted by 1 ÷ median², so that small and large transfers
//    count alike (relative error); s and t are kept positive.
// 2. What is measured depends on the hour; the profile's source sentence says when and how.
//
// Source: the affine fit of Bender et al., ACM TOPC 8(3), 2021, section 3; weighted here because a shared machine's
// outliers grow with the transfer.

import Accounting
import CSystem
import Foundation
import Primitives
import Storage

/// A disk's measured constants.
public struct HostCalibration: Sendable {
  /// One size and the median time of a transfer of that size, in seconds.
  public struct Point: Sendable {
    /// Bytes per transfer.
    public var byteCount: Int
    /// Median seconds of a read.
    public var readSeconds: Double
    /// Median seconds of a write.
    public var writeSeconds: Double
  }
  /// One number of transfers in flight and their rate.
  public struct ParallelPoint: Sendable {
    /// Transfers in flight together.
    public var outstanding: Int
    /// 4 KiB reads per second.
    public var readsPerSecond: Double
  }

  /// By rising size.
  public var points: [Point]
  /// By rising parallelism.
  public var parallelPoints: [ParallelPoint]
  /// The fitted profile.
  public var profile: DeviceProfile
  /// Whether the file system took O_DIRECT; without it the page cache was measured.
  public var isDirect: Bool

  /// Measures the disk under `folder` with a scratch file of 256 MiB, removed afterwards. Takes about ten seconds.
  public static func measure(folder: String) throws -> HostCalibration {
    let path = folder + "/betula-calibration-\(ProcessInfo.processInfo.processIdentifier)"
    let capacity = 256 << 20
    defer { _ = betula_unlink(path) }
    var isDirect = true
    func open(parallelism: Int) throws(StorageError) -> FileDevice {
      if isDirect {
        do {
          return try FileDevice(
            path: path, creates: false, capacityByteCount: UInt64(capacity), mode: .direct,
            parallelism: parallelism)
        } catch {
          isDirect = false
        }
      }
      return try FileDevice(
        path: path, creates: false, capacityByteCount: UInt64(capacity), mode: .buffered,
        parallelism: parallelism)
    }
    var device = try FileDevice(
      path: path, creates: true, capacityByteCount: UInt64(capacity), mode: .buffered, parallelism: 1)
    try fill(device, capacity)
    device = try open(parallelism: 1)
    var points: [Point] = []
    let random = CounterRandom(seed: 1, stream: 0x4341_4C49)
    for shift in stride(from: 12, through: 20, by: 2) {
      let byteCount = 1 << shift
      let count = max(24, min(256, (32 << 20) / byteCount))
      points.append(
        Point(
          byteCount: byteCount,
          readSeconds: try median(device, .read, byteCount, count, capacity, random),
          writeSeconds: try median(device, .write, byteCount, count, capacity, random)))
    }
    var parallel: [ParallelPoint] = []
    for outstanding in [1, 2, 4, 8, 16] {
      let wide = try open(parallelism: outstanding)
      parallel.append(
        ParallelPoint(
          outstanding: outstanding,
          readsPerSecond: try rate(wide, outstanding, batches: 512 / outstanding, capacity, random)))
    }
    let read = fit(points.map { ($0.byteCount, $0.readSeconds) })
    let write = fit(points.map { ($0.byteCount, $0.writeSeconds) })
    let best = parallel.map(\.readsPerSecond).max() ?? 1
    let profile = DeviceProfile(
      name: "calibrated", readSetupSeconds: read.setup, readSecondsPerByte: read.perByte,
      writeSetupSeconds: write.setup, writeSecondsPerByte: write.perByte,
      parallelism: max(1, best / max(1, parallel[0].readsPerSecond)), blockByteCount: 4096,
      source: "Measured by `betula doctor --calibrate` on \(Date().formatted(.iso8601)).")
    return HostCalibration(
      points: points, parallelPoints: parallel, profile: profile, isDirect: isDirect)
  }

  private static func fill(_ device: FileDevice, _ capacity: Int) throws {
    let frame = FramePool().frame(byteCount: 1 << 20)
    frame.pointer.initializeMemory(as: UInt8.self, repeating: 0xA5, count: frame.byteCount)
    var batch = TransferBatch()
    for offset in stride(from: 0, to: capacity, by: frame.byteCount) {
      batch.append(
        .write, offset: UInt64(offset), memory: .frame(frame, offset: 0), byteCount: frame.byteCount,
        cause: .verification)
      try device.submit(&batch)
      batch.removeAll()
    }
    try device.control(.sync(cause: .verification))
  }

  /// The median time of `count` transfers at random places, one at a time.
  private static func median(
    _ device: FileDevice, _ direction: Direction, _ byteCount: Int, _ count: Int, _ capacity: Int,
    _ random: CounterRandom
  ) throws -> Double {
    var times: [UInt64] = []
    let frame = FramePool().frame(byteCount: byteCount)
    frame.pointer.initializeMemory(as: UInt8.self, repeating: 0x5A, count: byteCount)
    var batch = TransferBatch()
    for index in 0..<count {
      let place = random.draw(UInt64(index), UInt64(byteCount)) % UInt64(capacity / byteCount)
      batch.removeAll()
      batch.append(
        direction, offset: place * UInt64(byteCount), memory: .frame(frame, offset: 0), byteCount: byteCount,
        cause: .verification)
      let start = betula_monotonic_nanoseconds()
      try device.submit(&batch)
      times.append(betula_monotonic_nanoseconds() - start)
    }
    times.sort()
    return Double(times[times.count / 2]) / 1e9
  }

  /// 4 KiB reads per second with `outstanding` in flight.
  private static func rate(
    _ device: FileDevice, _ outstanding: Int, batches: Int, _ capacity: Int, _ random: CounterRandom
  ) throws -> Double {
    let frames = (0..<outstanding).map { _ in FramePool().frame(byteCount: 4096) }
    var batch = TransferBatch()
    let start = betula_monotonic_nanoseconds()
    for index in 0..<batches {
      batch.removeAll()
      // One region per transfer, so that no two of a batch are the same or adjacent.
      let region = UInt64(capacity / outstanding / 8192)
      for (lane, frame) in frames.enumerated() {
        let place = UInt64(lane) * region + random.draw(UInt64(index), UInt64(lane)) % region
        batch.append(
          .read, offset: place * 8192, memory: .frame(frame, offset: 0), byteCount: 4096,
          cause: .verification)
      }
      try device.submit(&batch)
    }
    let seconds = Double(betula_monotonic_nanoseconds() - start) / 1e9
    return Double(batches * outstanding) / seconds
  }

  /// Least squares of y = s + t·x with weights 1 ÷ y².
  static func fit(_ points: [(Int, Double)]) -> (setup: Double, perByte: Double) {
    var (w, wx, wy, wxx, wxy) = (0.0, 0.0, 0.0, 0.0, 0.0)
    for (bytes, seconds) in points {
      let x = Double(bytes)
      let weight = 1 / (seconds * seconds)
      w += weight
      wx += weight * x
      wy += weight * seconds
      wxx += weight * x * x
      wxy += weight * x * seconds
    }
    let perByte = max(1e-12, (w * wxy - wx * wy) / (w * wxx - wx * wx))
    return (max(1e-9, (wy - perByte * wx) / w), perByte)
  }
}
