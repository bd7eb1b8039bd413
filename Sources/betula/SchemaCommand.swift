// `betula schema`: the JSON Schema of study files, for editors.

import ArgumentParser
import Experiment

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Print the JSON Schema of study files (for completion in an editor).")

  func run() { print(StudySchema.text(.standard), terminator: "") }
}
