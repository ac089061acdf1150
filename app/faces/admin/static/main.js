// Entry: every page loads this; each part looks for its own marks in the document.
import { startFrame } from "./frame.js";
import { startCombos } from "./combobox.js";
import { startRows } from "./rows.js";
import { startFiles } from "./files.js";
import { startRecordForm } from "./record_form.js";
import { startPages } from "./pages.js";
import { startPeople } from "./people.js";
import { putBack } from "./drafts.js";

startFrame();
startCombos(document);
startRows(document);
startFiles(document);
startRecordForm(document);
startPages(document);
startPeople(document);
putBack();
