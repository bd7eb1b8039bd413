import Accounting
import Primitives
import Storage
struct DeviceStack {
  enum Base { case memory, file(path: String, mode: FileMode) }
  enum FileMode { case direct, buffered }
  struct Description { var base: Base; var capacityByteCount: UInt64; var transferUnitByteCount: Int; var timeModel: TimeModel }
  let counting: CountingDevice
  let timed: TimedDevice
  let memory: MemoryDevice?
  var top: any BlockDevice { timed }
  init(_ d: Description) throws {
    let base = MemoryDevice(capacityByteCount: d.capacityByteCount, transferUnitByteCount: d.transferUnitByteCount)
    memory = base
    counting = CountingDevice(base: base)
    timed = TimedDevice(base: counting, model: d.timeModel)
  }
  func writeImage(to path: String) throws {}
}
struct KernelIOResidual: CustomStringConvertible { var agrees: Bool { true }; var writeByteCount: Int64 { 0 }; var description: String { "" } }
struct KernelIOCounters { 
  static func now() -> KernelIOCounters? { nil }
  func subtracting(_ o: KernelIOCounters) -> KernelIOCounters { o }
  func residual(against: DeviceCounts) -> KernelIOResidual { KernelIOResidual() }
  var deviceReadByteCount: UInt64 { 0 }
  var deviceWriteByteCount: UInt64 { 0 }
}
