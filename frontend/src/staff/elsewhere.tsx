/** An address below /staff that leads nowhere. */
import { Empty, Heading, LinkButton } from '../ui/index.ts';
import { staff } from '../strings/staff.ts';

export function Elsewhere() {
  return (
    <>
      <Heading>{staff.trouble.notFoundTitle}</Heading>
      <section class="card">
        <Empty icon="search" title={staff.trouble.noPage} action={<LinkButton look="primary" href="/staff">{staff.trouble.toToday}</LinkButton>}>{staff.trouble.notFound}</Empty>
      </section>
    </>
  );
}
