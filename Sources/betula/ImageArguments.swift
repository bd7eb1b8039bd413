// What `betula inspect` and `betula verify` share: an image on the command line, opened for reading only.

import ArgumentParser
import CSystem
import EngineCatalogue
import Experiment
import Foundation
import Primitives
import Storage

/// The image both commands look at.
struct ImageArguments: ParsableArguments {
  @Argument(help: "A volume kept by 'betula run --keep-volumes', or any image of a device.")
  var file: String

  @Flag(help: "Print JSON.")
  var json = false

  /// Examines the image.
  func examine() throws -> (examination: ImageExamination, note: KeptVolumeNote?) {
    do {
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: file, isDirectory: &isFolder) else {
        complain("there is no file '\(file)'")
        throw ExitStatus.noInput
      }
      if isFolder.boolValue {
        complain("'\(file)' is a folder; name one of the .volume files in it")
        throw ExitStatus.noInput
      }
      let note = try readNote()
      let byteCount = try ImageDevice.byteCount(of: file)
      let bytes = try ImageDevice(path: file, transferUnitByteCount: 512)
      let format = try ImageFormat.detect(byteCount: bytes.capacityByteCount) {
        (offset, count) throws(StorageError) in
        try bytes.bytes(at: offset, byteCount: count)
      }
      var unit = 512
      if case .volume(let found) = format { unit = found }
      if case .fileSpace(let found) = format { unit = found }
      let device = try ImageDevice(path: file, transferUnitByteCount: unit)
      var examination = try ImageExamination(
        device, format: format, byteCount: byteCount, notedEngine: note?.engine)
      if let note { compare(note, unit: unit, &examination) }
      return (examination, note)
    } catch let error as StorageError {
      complain("'\(file)' cannot be read: \(error)")
      throw ExitStatus.fileSystem
    }
  }

  private func readNote() throws -> KeptVolumeNote? {
    do {
      return try KeptVolumeNote.read(besideImage: file)
    } catch {
      complain(
        "the note '\(KeptVolumeNote.path(ofImage: file))' is not one of ours; the image is read without it")
      return nil
    }
  }

  /// Holds the note against the image.
  private func compare(_ note: KeptVolumeNote, unit: Int, _ examination: inout ImageExamination) {
    func disagree(_ detail: String) {
      examination.findings.append(
        VolumeFinding(structure: "image", offset: 0, detail: detail, isHarmless: false))
    }
    if UInt64(clamping: note.capacityByteCount) != examination.byteCount {
      disagree(
        "it has \(examination.byteCount) bytes, the note beside it says \(note.capacityByteCount): it was cut or grown"
      )
    }
    switch examination.format {
    case .volume, .fileSpace:
      if note.transferUnitByteCount != unit {
        disagree("its transfer unit is \(unit) bytes, the note beside it says \(note.transferUnitByteCount)")
      }
    case .blank, .unknown: break
    }
  }
}
