// The part of the demo about key-value caches.
#pragma once

/// Prints what four caches of the trained model store and lose. Nothing, but a line, where the model is not
/// there.
void show_caches();
