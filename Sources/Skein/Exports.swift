// What an app sees of the floors below: BSON values, the limits of an event and trace ids are part of this module's API.
@_exported public import SkeinBSON
@_exported public import SkeinWire
